// Package docs holds the documentation. The reference pages in it are written
// by go generate.
package docs

//go:generate go run ./gen
