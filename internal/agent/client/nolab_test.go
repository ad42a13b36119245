//go:build !lab

package client

func lastly() {}

func controllerMain([]string) {}
