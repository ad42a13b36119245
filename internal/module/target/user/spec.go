package user

import (
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/parallel"
)

// Module makes sure that an account is there, or is not.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.user",
		Summary: "Makes sure that a user's account is there, or is not.",
		Params: []module.Param{
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: "Whether the account shall be there."},
			{Name: "name", Required: true, Aliases: []string{"user"}, Doc: "The user's name."},
			{Name: "uid", Type: module.Int, Doc: "The user's number."},
			{Name: "non_unique", Type: module.Bool, Default: false, Doc: "Allow a number that another user has."},
			{Name: "group", Doc: "The primary group, by name or number."},
			{Name: "groups", Type: module.List, Elements: module.Str, Doc: "Further groups; an empty text removes the user from all but the primary one."},
			{Name: "append", Type: module.Bool, Default: false, Doc: "Add to groups without leaving others."},
			{Name: "comment", Doc: "The comment (GECOS) field."},
			{Name: "home", Type: module.Path, Doc: "The home directory."},
			{Name: "create_home", Type: module.Bool, Default: true, Aliases: []string{"createhome"}, Doc: "Make the home directory if it is not there."},
			{Name: "move_home", Type: module.Bool, Default: false, Doc: "Move what is in the old home directory to a new one."},
			{Name: "skeleton", Doc: "Directory that a new home directory is a copy of."},
			{Name: "umask", Doc: "Mask for the mode of a new home directory."},
			{Name: "shell", Doc: "The login shell."},
			{Name: "system", Type: module.Bool, Default: false, Doc: "Make a system account; it cannot be changed later."},
			{Name: "password", NoLog: true, Doc: "The hash of the password."},
			{Name: "update_password", Default: "always", Choices: []any{"always", "on_create"}, Doc: "When to set the password."},
			{Name: "password_lock", Type: module.Bool, Doc: "Lock the password, or unlock it."},
			{Name: "password_expire_max", Type: module.Int, Doc: "Days after which the password must be changed."},
			{Name: "password_expire_min", Type: module.Int, Doc: "Days before which it must not be changed."},
			{Name: "expires", Type: module.Float, Doc: "When the account expires, in seconds since 1970; a negative number is never."},
			{Name: "force", Type: module.Bool, Default: false, Doc: "Remove the account of a user who is logged in; make a new key in place of an old one."},
			{Name: "remove", Type: module.Bool, Default: false, Doc: "Remove the home directory and mail with the account."},
			{Name: "local", Type: module.Bool, Doc: "Use the programs for local accounts where users come from a directory service."},
			{Name: "seuser", Doc: "The SELinux user."},
			{Name: "generate_ssh_key", Type: module.Bool, Doc: "Make an SSH key if there is none."},
			{Name: "ssh_key_bits", Type: module.Int, Default: 0, Doc: "Size of the key; 0 is the default of ssh-keygen."},
			{Name: "ssh_key_type", Default: "rsa", Doc: "Kind of the key."},
			{Name: "ssh_key_file", Type: module.Path, Doc: "Where the key is, from the home directory."},
			{Name: "ssh_key_comment", Doc: "The key's comment; by default it names the machine."},
			{Name: "ssh_key_passphrase", NoLog: true, Doc: "Passphrase of the key; by default it has none."},
			{Name: "hidden", Type: module.Bool, Doc: "Has a meaning on macOS only."},
			{Name: "login_class", Doc: "Has a meaning on BSD only."},
			{Name: "profile", Doc: "Has a meaning on Solaris only."},
			{Name: "authorization", Doc: "Has a meaning on Solaris only."},
			{Name: "role", Doc: "Has a meaning on Solaris only."},
		},
		Hints: []parallel.Hint{parallel.Host("accounts")},
		Check: module.Full, Diff: module.None,
		Returns: []module.Return{
			{Name: "name", When: "always", Doc: "The user's name."},
			{Name: "uid", Type: module.Int, When: "state=present", Doc: "The user's number."},
			{Name: "group", Type: module.Int, When: "state=present", Doc: "The primary group's number."},
			{Name: "groups", When: "groups given", Doc: "The further groups that were asked for, joined by commas."},
			{Name: "home", When: "state=present", Doc: "The home directory."},
			{Name: "shell", When: "state=present", Doc: "The login shell."},
			{Name: "comment", When: "state=present", Doc: "The comment field."},
			{Name: "ssh_fingerprint", When: "generate_ssh_key", Doc: "The key's fingerprint."},
			{Name: "ssh_key_file", When: "generate_ssh_key", Doc: "Where the key is."},
			{Name: "ssh_public_key", When: "generate_ssh_key", Doc: "The public key."},
		},
	},
	Run: run,
}
