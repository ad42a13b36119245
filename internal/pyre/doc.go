// Package pyre is the regular expressions of Python's re module: look-ahead
// and look-behind, back references, named groups, lazy and possessive
// repeats, conditions, inline flags, and re.sub's replacement texts.
//
// Begin with Compile. Matching is by backtracking, as in Python, so that
// groups hold what they hold there; a limit on steps turns a pattern that
// would run for ever into an error. A Regexp may be used by many goroutines.
package pyre
