// Package template is the template language of playbooks: Jinja2's syntax
// with Python's values, Ansible's filters, tests and lookups, and Ansible's
// rules for what a template turns into.
//
// Begin with Engine. Its Resolve takes any value from a playbook and gives the
// value that a task sees; Condition decides a `when`; File renders the text of
// a template file. Where variables come from is a Scope, and what filters and
// lookups may reach outside (files, environment, vault) is an Env: the engine
// itself does no I/O of its own.
//
// Text is only ever evaluated when it is a *value.Template, which only readers
// of the user's own files make. What comes out of a template is a string, and
// is never evaluated again.
//
// An Engine is immutable and may be used by any number of goroutines.
// Templates are parsed once, however often and from wherever they are
// rendered.
package template
