package policy

import (
	_ "embed" // for the table
	"sync"
)

//go:embed shipped.yml
var shippedTable []byte

// shipped is the table of hints for modules that say nothing about themselves:
// those of collections, written in Python. It is read when it is first needed.
var shipped = sync.OnceValue(func() *Policy {
	p, err := Load(shippedTable, "shipped.yml")
	if err != nil {
		panic(err) // a test reads it
	}
	return p
})

// Shipped are the rules of that table.
func Shipped() []Rule { return shipped().Rules }
