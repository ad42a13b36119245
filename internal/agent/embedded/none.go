//go:build !embedagents

package embedded

// compiledIn returns nothing: this program was built without agents.
func compiledIn() []Agent { return nil }
