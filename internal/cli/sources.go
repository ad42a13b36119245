package cli

import (
	"context"
	"os"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/inventory"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/vars"
)

// loadInventory reads the sources that the options or the configuration name.
func (ses *session) loadInventory(ctx context.Context) (*inventory.Inventory, error) {
	o := inventory.Options{ReadFile: ses.readInventory, Vault: ses.inlineVault, Warn: ses.warn, Templates: inventoryTemplates{ctx, ses}, Extra: ses.extra,
		Enabled: ses.config.List("INVENTORY_ENABLED"), GroupNames: ses.config.Text("TRANSFORM_INVALID_GROUP_CHARS"), Quiet: !ses.config.Bool("INVENTORY_UNPARSED_WARNING"),
		Vars: func(inv *inventory.Inventory, h *inventory.Host) *value.Map {
			return vars.New(vars.Config{Inventory: inv, LoadFile: ses.loadVars}).InventoryVars(h)
		},
		AnyUnparsedFailed: ses.config.Bool("INVENTORY_ANY_UNPARSED_IS_FAILED"), UnparsedFailed: ses.config.Bool("INVENTORY_UNPARSED_IS_FAILED"),
		MergeHashes: ses.config.Text("DEFAULT_HASH_BEHAVIOUR") == "merge", IgnoreExtensions: ses.config.List("INVENTORY_IGNORE_EXTS"), IgnorePatterns: ses.config.List("INVENTORY_IGNORE_PATTERNS")}
	sources := ses.options.inventory
	if len(sources) == 1 && sources[0] == "/etc/ansible/hosts" && !isFile(sources[0]) {
		// The default that nobody made: no reason to warn twice.
		if _, err := os.Stat(sources[0]); err != nil {
			sources = nil
		}
	}
	inv, err := inventory.Load(ctx, sources, o)
	if err != nil {
		return nil, err
	}
	if len(inv.Hosts()) == 0 && ses.config.Bool("LOCALHOST_WARNING") {
		ses.warn("provided hosts list is empty, only localhost is available. Note that the implicit localhost does not match 'all'")
	}
	return inv, nil
}

// inventoryTemplates evaluates what inventories compute.
type inventoryTemplates struct {
	ctx context.Context
	ses *session
}

func (t inventoryTemplates) context(vars *value.Map) *template.Context {
	return &template.Context{Ctx: t.ctx, Vars: template.VarsOf(vars), Env: t.ses.env()}
}

// Expr evaluates an expression.
func (t inventoryTemplates) Expr(expr string, vars *value.Map) (any, error) {
	return t.ses.engine.Resolve(t.context(vars), value.Text("{{"+expr+"}}", diag.Pos{}))
}

// Text renders a template.
func (t inventoryTemplates) Text(text string, vars *value.Map) (string, error) {
	return t.ses.engine.ResolveString(t.context(vars), value.Text(text, diag.Pos{}))
}
