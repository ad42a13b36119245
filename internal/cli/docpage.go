package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
)

// moduleData is a module's page in the form in which ansible-doc gives it to
// programs.
func moduleData(s *module.Spec) *value.Map {
	name := string(s.Name)
	doc := value.MapOf("module", s.Name.Short(), "collection", name[:strings.LastIndexByte(name, '.')], "short_description", s.Summary,
		"description", []any{s.Summary}, "notes", value.FromGo(append([]string{}, s.Notes...)), "options", paramData(s.Params),
		"attributes", value.MapOf("check_mode", value.MapOf("support", support(s.Check)), "diff_mode", value.MapOf("support", support(s.Diff))))
	returns := value.NewMap(len(s.Returns))
	for _, r := range s.Returns {
		returns.Set(r.Name, value.MapOf("description", r.Doc, "returned", r.When, "type", typeText(r.Type)))
	}
	return value.MapOf("doc", doc, "examples", nil, "metadata", nil, "return", returns)
}

func paramData(params []module.Param) *value.Map {
	out := value.NewMap(len(params))
	for _, p := range params {
		if p.Internal {
			continue
		}
		m := value.MapOf("description", []any{p.Doc}, "type", typeText(p.Type), "required", p.Required)
		if p.Elements != "" {
			m.Set("elements", string(p.Elements))
		}
		if p.Default != nil {
			m.Set("default", value.FromGo(p.Default))
		}
		if p.Choices != nil {
			m.Set("choices", value.FromGo(p.Choices))
		}
		if p.Aliases != nil {
			m.Set("aliases", value.FromGo(p.Aliases))
		}
		if p.Options != nil {
			m.Set("suboptions", paramData(p.Options))
		}
		out.Set(p.Name, m)
	}
	return out
}

// moduleSnippet is a task that has every parameter of a module.
func moduleSnippet(s *module.Spec) string {
	var b strings.Builder
	fmt.Fprintf(&b, "- name: %s\n  %s:\n", s.Summary, strings.TrimPrefix(string(s.Name), "ansible.builtin."))
	for _, p := range s.Params {
		if p.Internal {
			continue
		}
		facts := strings.Join(paramFacts(p), "; ")
		if p.Required {
			facts = "required; " + facts
		}
		fmt.Fprintf(&b, "      %-22s # (%s) %s\n", p.Name+":", facts, strings.ReplaceAll(p.Doc, "\n", " "))
	}
	return b.String()
}

// moduleText is a module's page for a terminal.
func moduleText(s *module.Spec) string {
	var b strings.Builder
	fmt.Fprintf(&b, "> %s\n\n  %s\n\n", strings.ToUpper(string(s.Name)), s.Summary)
	for _, n := range s.Notes {
		fmt.Fprintf(&b, "  %s\n", n)
	}
	fmt.Fprintf(&b, "  runs at the same time: %s\n  check mode: %s, diff: %s\n\n", hintText(s), support(s.Check), support(s.Diff))
	writeParams(&b, s.Params)
	for _, rule := range ruleTexts(s.Rules) {
		fmt.Fprintf(&b, "  %s\n", rule)
	}
	writeReturns(&b, s.Returns)
	return b.String()
}

func writeParams(b *strings.Builder, params []module.Param) {
	var walk func(params []module.Param, margin string)
	walk = func(params []module.Param, margin string) {
		for _, p := range params {
			if p.Internal {
				continue
			}
			mark := "-"
			if p.Required {
				mark = "="
			}
			fmt.Fprintf(b, "%s%s %s  (%s)\n", margin, mark, p.Name, strings.Join(paramFacts(p), "; "))
			if p.Doc != "" {
				fmt.Fprintf(b, "%s    %s\n", margin, strings.ReplaceAll(p.Doc, "\n", "\n    "+margin))
			}
			walk(p.Options, margin+"    ")
		}
	}
	if len(params) > 0 {
		b.WriteString("PARAMETERS (= is required):\n\n")
		walk(params, "")
		b.WriteByte('\n')
	}
}

func writeReturns(b *strings.Builder, returns []module.Return) {
	if len(returns) > 0 {
		b.WriteString("\nRETURN VALUES:\n\n")
		for _, r := range returns {
			when := ""
			if r.When != "" {
				when = "; returned: " + r.When
			}
			fmt.Fprintf(b, "- %s  (%s%s)\n    %s\n", r.Name, typeText(r.Type), when, strings.ReplaceAll(r.Doc, "\n", "\n    "))
		}
	}
}

// ruleTexts say how parameters are tied together, a sentence each.
func ruleTexts(r module.Rules) []string {
	var out []string
	for _, names := range r.MutuallyExclusive {
		out = append(out, "Only one of "+strings.Join(names, ", ")+" may be given.")
	}
	for _, names := range r.RequiredOneOf {
		out = append(out, "One of "+strings.Join(names, ", ")+" must be given.")
	}
	for _, names := range r.RequiredTogether {
		out = append(out, "None or all of "+strings.Join(names, ", ")+" must be given.")
	}
	for _, need := range r.RequiredIf {
		kind := "needs "
		if need.Any && len(need.Needs) > 1 {
			kind = "needs one of "
		}
		out = append(out, fmt.Sprintf("%s=%s %s%s.", need.Param, value.Str(value.FromGo(need.Value)), kind, strings.Join(need.Needs, ", ")))
	}
	for _, name := range slices.Sorted(maps.Keys(r.RequiredBy)) {
		out = append(out, name+" needs "+strings.Join(r.RequiredBy[name], ", ")+".")
	}
	return out
}

func support(s module.Support) string {
	if s == "" {
		return string(module.None)
	}
	return string(s)
}

// hintText says what may run together with a module.
func hintText(s *module.Spec) string {
	if s.HintDoc != "" {
		return s.HintDoc
	}
	var parts []string
	for _, h := range s.Hints {
		parts = append(parts, h.String())
	}
	return strings.Join(parts, ", ")
}

// typeText is a type's name; what has none is text.
func typeText(t module.Type) string {
	if t == "" {
		return "str"
	}
	return string(t)
}

// paramFacts are what a parameter's Spec says, in words.
func paramFacts(p module.Param) []string {
	kind := typeText(p.Type)
	if p.Elements != "" {
		kind += " of " + string(p.Elements)
	}
	out := []string{kind}
	if len(p.Choices) > 0 {
		words := make([]string, len(p.Choices))
		for i, c := range p.Choices {
			words[i] = value.Str(c)
		}
		out = append(out, "one of "+strings.Join(words, ", "))
	}
	if p.Default != nil {
		out = append(out, "default "+string(value.ToJSON(value.FromGo(p.Default))))
	}
	if len(p.Aliases) > 0 {
		out = append(out, "also "+strings.Join(p.Aliases, ", "))
	}
	if p.NoLog {
		out = append(out, "never shown")
	}
	return out
}
