package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/internal/config"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/vault"
)

// vaultOptions are the flags of the vault commands.
type vaultOptions struct {
	options
	output    string
	encryptID string
	newFile   string
	newID     string

	names     []string
	stdinName string
	prompt    bool
	showInput bool
}

// vaultAction is one of the vault commands, its secrets at hand.
type vaultAction func(*vaultRun, context.Context) error

// newVaultCommand makes tutti vault: files and values that only a password opens.
func newVaultCommand(s Streams) *cobra.Command {
	cmd := &cobra.Command{Use: "vault", Short: "Encrypt and decrypt files and values (as ansible-vault)", RunE: subcommand}
	add := func(use, short string, run vaultAction, flags ...func(*cobra.Command, *vaultOptions)) {
		o := &vaultOptions{}
		c := &cobra.Command{Use: use, Short: short, RunE: func(c *cobra.Command, args []string) error {
			return runVault(c.Context(), s, o, c.Name(), args, run)
		}}
		o.vaultFlags(c.Flags())
		c.Flags().CountVarP(&o.verbose, "verbose", "v", "say more")
		for _, f := range flags {
			f(c, o)
		}
		cmd.AddCommand(c)
	}
	output := func(c *cobra.Command, o *vaultOptions) {
		c.Flags().StringVar(&o.output, "output", "", "write to this file instead of in place; - is the standard output")
	}
	which := func(c *cobra.Command, o *vaultOptions) {
		c.Flags().StringVar(&o.encryptID, "encrypt-vault-id", "", "the id of the secret to encrypt with, if several are given")
	}
	add("create FILE", "Write a new encrypted file in an editor", (*vaultRun).create, which)
	add("edit FILE...", "Change an encrypted file in an editor", (*vaultRun).edit, which)
	add("view FILE...", "Show an encrypted file", (*vaultRun).view)
	add("encrypt [FILE...]", "Encrypt files, or the standard input", (*vaultRun).encrypt, output, which)
	add("decrypt [FILE...]", "Decrypt files, or the standard input", (*vaultRun).decrypt, output)
	add("rekey FILE...", "Change the password of encrypted files", (*vaultRun).rekey, which, func(c *cobra.Command, o *vaultOptions) {
		c.Flags().StringVar(&o.newFile, "new-vault-password-file", "", "file, or program, that gives the new password")
		c.Flags().StringVar(&o.newID, "new-vault-id", "", "new password: [id@]FILE or [id@]prompt")
	})
	add("encrypt_string [TEXT...]", "Encrypt values to paste into YAML", (*vaultRun).encryptString, output, which, func(c *cobra.Command, o *vaultOptions) {
		c.Flags().StringArrayVarP(&o.names, "name", "n", nil, "the variable's name (once for each text)")
		c.Flags().StringVar(&o.stdinName, "stdin-name", "", "the name of the variable that the standard input is for")
		c.Flags().BoolVarP(&o.prompt, "prompt", "p", false, "ask for the text")
		c.Flags().BoolVar(&o.showInput, "show-input", false, "with --prompt: show the text while it is typed")
	})
	return cmd
}

// vaultRun is what the vault commands work with.
type vaultRun struct {
	Streams
	o        *vaultOptions
	prompter *prompter
	args     []string
	vault    *vault.Vault  // opens what is encrypted
	secret   *vault.Secret // for what is to be encrypted
}

func runVault(ctx context.Context, s Streams, o *vaultOptions, name string, args []string, act vaultAction) error {
	c, err := config.Load(os.Getenv)
	if err != nil {
		return optionsError{err}
	}
	for _, id := range o.vaultIDs {
		if strings.Contains(id, ";") {
			return optionsError{fmt.Errorf("'%s' is not a valid vault id. The character ';' is not allowed in vault ids", id)}
		}
	}
	if o.newFile != "" && o.newID != "" {
		return usageError{errors.New("--new-vault-id and --new-vault-password-file exclude each other")}
	}
	if o.output != "" && len(args) > 1 && name != "encrypt_string" {
		return optionsError{errors.New("At most one input file may be used with the --output option")}
	}
	r := &vaultRun{Streams: s, o: o, prompter: &prompter{in: s.In, out: s.Out}, args: args}
	if name == "create" && len(args) != 1 {
		return optionsError{errors.New("tutti vault create takes exactly one file name")}
	}
	if name == "encrypt_string" && o.prompt && r.readsInput() {
		return optionsError{errors.New("The --prompt option is not supported if also reading input from stdin")}
	}
	source := &secretSource{config: c, prompter: r.prompter, prompt: true, warn: func(msg string) { fmt.Fprintf(s.Err, "[WARNING]: %s\n", msg) }}
	encryptID := o.encryptID
	if encryptID == "" {
		encryptID = c.Text("DEFAULT_VAULT_ENCRYPT_IDENTITY")
	}
	writes := name == "create" || name == "encrypt" || name == "encrypt_string"
	source.create = writes
	if r.vault, err = source.vault(ctx, &o.options); err != nil {
		return err
	}
	if len(r.vault.Secrets()) == 0 {
		return optionsError{errors.New("A vault password is required: give --vault-id or --vault-password-file")}
	}
	switch {
	case writes:
		if r.secret, err = pick(r.vault.Secrets(), encryptID); err != nil {
			return err
		}
	case name == "rekey":
		source.create = true
		var ids, files []string
		if encryptID != "" {
			ids = c.List("DEFAULT_VAULT_IDENTITY_LIST")
		}
		if o.newID != "" {
			ids = append(ids, o.newID)
		}
		if o.newFile != "" {
			files = []string{o.newFile}
		}
		secrets, err := source.gather(ctx, ids, files, o.askVault)
		if err != nil {
			return err
		}
		if len(secrets) == 0 {
			return optionsError{errors.New("A new vault password is required to rekey")}
		}
		if encryptID == "" {
			secrets = secrets[:1]
		}
		if r.secret, err = pick(secrets, encryptID); err != nil {
			return err
		}
	}
	return act(r, ctx)
}

// pick finds the secret to encrypt with.
func pick(secrets []vault.Secret, id string) (*vault.Secret, error) {
	names := make([]string, len(secrets))
	quoted := make([]string, len(secrets))
	for i := range secrets {
		names[i], quoted[i] = secrets[i].ID, value.Repr(secrets[i].ID)
		if id != "" && secrets[i].ID == id {
			return &secrets[i], nil
		}
	}
	if id != "" {
		return nil, fmt.Errorf("Did not find a match for --encrypt-vault-id=%s in the known vault-ids [%s]", id, strings.Join(quoted, ", "))
	}
	if len(secrets) > 1 {
		return nil, optionsError{fmt.Errorf("The vault-ids %s are available to encrypt. Specify the vault-id to encrypt with --encrypt-vault-id", strings.Join(names, ","))}
	}
	return &secrets[0], nil
}
