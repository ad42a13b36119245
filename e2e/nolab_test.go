//go:build !lab

package e2e

func firstly() {}
func lastly()  {}
