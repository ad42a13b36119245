package config

import (
	"slices"
	"strconv"
	"strings"
)

// pluginSettings are the settings of plugins whose work Tutti does itself, so
// that playbooks can ask for them. Of several variables the last that is set
// counts.
var pluginSettings = []Setting{
	{Name: "become.su.become_exe", Default: "su", Vars: []string{"ansible_become_exe", "ansible_su_exe"}, Env: []string{"ANSIBLE_BECOME_EXE", "ANSIBLE_SU_EXE"}, Ini: []string{"privilege_escalation.become_exe", "su_become_plugin.executable"}},
	{Name: "become.su.become_flags", Vars: []string{"ansible_become_flags", "ansible_su_flags"}, Env: []string{"ANSIBLE_BECOME_FLAGS", "ANSIBLE_SU_FLAGS"}, Ini: []string{"privilege_escalation.become_flags", "su_become_plugin.flags"}},
	{Name: "become.su.become_pass", Vars: []string{"ansible_become_password", "ansible_become_pass", "ansible_su_pass"}, Env: []string{"ANSIBLE_BECOME_PASS", "ANSIBLE_SU_PASS"}, Ini: []string{"su_become_plugin.password"}},
	{Name: "become.su.become_user", Default: "root", Vars: []string{"ansible_become_user", "ansible_su_user"}, Env: []string{"ANSIBLE_BECOME_USER", "ANSIBLE_SU_USER"}, Ini: []string{"privilege_escalation.become_user", "su_become_plugin.user"}},
	{Name: "become.su.prompt_l10n", Kind: List, Vars: []string{"ansible_su_prompt_l10n"}, Env: []string{"ANSIBLE_SU_PROMPT_L10N"}, Ini: []string{"su_become_plugin.localized_prompts"}},
	{Name: "become.sudo.become_exe", Default: "sudo", Vars: []string{"ansible_become_exe", "ansible_sudo_exe"}, Env: []string{"ANSIBLE_BECOME_EXE", "ANSIBLE_SUDO_EXE"}, Ini: []string{"privilege_escalation.become_exe", "sudo_become_plugin.executable"}},
	{Name: "become.sudo.become_flags", Default: "-H -S -n", Vars: []string{"ansible_become_flags", "ansible_sudo_flags"}, Env: []string{"ANSIBLE_BECOME_FLAGS", "ANSIBLE_SUDO_FLAGS"}, Ini: []string{"privilege_escalation.become_flags", "sudo_become_plugin.flags"}},
	{Name: "become.sudo.become_pass", Vars: []string{"ansible_become_password", "ansible_become_pass", "ansible_sudo_pass"}, Env: []string{"ANSIBLE_BECOME_PASS", "ANSIBLE_SUDO_PASS"}, Ini: []string{"sudo_become_plugin.password"}},
	{Name: "become.sudo.become_user", Default: "root", Vars: []string{"ansible_become_user", "ansible_sudo_user"}, Env: []string{"ANSIBLE_BECOME_USER", "ANSIBLE_SUDO_USER"}, Ini: []string{"privilege_escalation.become_user", "sudo_become_plugin.user"}},
	{Name: "connection.local.pipelining", Kind: Bool, Default: "false", Vars: []string{"ansible_pipelining"}, Env: []string{"ANSIBLE_PIPELINING"}, Ini: []string{"defaults.pipelining", "connection.pipelining"}},
	{Name: "connection.paramiko_ssh.banner_timeout", Default: "30", Env: []string{"ANSIBLE_PARAMIKO_BANNER_TIMEOUT"}, Ini: []string{"paramiko_connection.banner_timeout"}},
	{Name: "connection.paramiko_ssh.host_key_auto_add", Kind: Bool, Env: []string{"ANSIBLE_PARAMIKO_HOST_KEY_AUTO_ADD"}, Ini: []string{"paramiko_connection.host_key_auto_add"}},
	{Name: "connection.paramiko_ssh.host_key_checking", Kind: Bool, Default: "true", Vars: []string{"ansible_host_key_checking", "ansible_ssh_host_key_checking", "ansible_paramiko_host_key_checking"}, Env: []string{"ANSIBLE_HOST_KEY_CHECKING", "ANSIBLE_SSH_HOST_KEY_CHECKING", "ANSIBLE_PARAMIKO_HOST_KEY_CHECKING"}, Ini: []string{"defaults.host_key_checking", "paramiko_connection.host_key_checking"}},
	{Name: "connection.paramiko_ssh.look_for_keys", Kind: Bool, Default: "true", Env: []string{"ANSIBLE_PARAMIKO_LOOK_FOR_KEYS"}, Ini: []string{"paramiko_connection.look_for_keys"}},
	{Name: "connection.paramiko_ssh.password", Vars: []string{"ansible_password", "ansible_ssh_pass", "ansible_ssh_password", "ansible_paramiko_pass", "ansible_paramiko_password"}},
	{Name: "connection.paramiko_ssh.proxy_command", Env: []string{"ANSIBLE_PARAMIKO_PROXY_COMMAND"}, Ini: []string{"paramiko_connection.proxy_command"}},
	{Name: "connection.paramiko_ssh.pty", Kind: Bool, Default: "true", Env: []string{"ANSIBLE_PARAMIKO_PTY"}, Ini: []string{"paramiko_connection.pty"}},
	{Name: "connection.paramiko_ssh.record_host_keys", Kind: Bool, Default: "true", Env: []string{"ANSIBLE_PARAMIKO_RECORD_HOST_KEYS"}, Ini: []string{"paramiko_connection.record_host_keys"}},
	{Name: "connection.paramiko_ssh.remote_addr", Default: "inventory_hostname", Vars: []string{"inventory_hostname", "ansible_host", "ansible_ssh_host", "ansible_paramiko_host"}},
	{Name: "connection.paramiko_ssh.remote_user", Vars: []string{"ansible_user", "ansible_ssh_user", "ansible_paramiko_user"}, Env: []string{"ANSIBLE_REMOTE_USER", "ANSIBLE_PARAMIKO_REMOTE_USER"}, Ini: []string{"defaults.remote_user", "paramiko_connection.remote_user"}},
	{Name: "connection.paramiko_ssh.ssh_args", Vars: []string{"ansible_ssh_args"}, Env: []string{"ANSIBLE_SSH_ARGS"}, Ini: []string{"ssh_connection.ssh_args"}},
	{Name: "connection.paramiko_ssh.ssh_common_args", Vars: []string{"ansible_ssh_common_args"}, Env: []string{"ANSIBLE_SSH_COMMON_ARGS"}, Ini: []string{"ssh_connection.ssh_common_args"}},
	{Name: "connection.paramiko_ssh.ssh_extra_args", Vars: []string{"ansible_ssh_extra_args"}, Env: []string{"ANSIBLE_SSH_EXTRA_ARGS"}, Ini: []string{"ssh_connection.ssh_extra_args"}},
	{Name: "connection.paramiko_ssh.use_persistent_connections", Kind: Bool, Default: "false", Env: []string{"ANSIBLE_USE_PERSISTENT_CONNECTIONS"}, Ini: []string{"defaults.use_persistent_connections"}},
	{Name: "connection.paramiko_ssh.use_rsa_sha2_algorithms", Kind: Bool, Default: "true", Vars: []string{"ansible_paramiko_use_rsa_sha2_algorithms"}, Env: []string{"ANSIBLE_PARAMIKO_USE_RSA_SHA2_ALGORITHMS"}, Ini: []string{"paramiko_connection.use_rsa_sha2_algorithms"}},
	{Name: "connection.ssh.control_path", Vars: []string{"ansible_control_path"}, Env: []string{"ANSIBLE_SSH_CONTROL_PATH"}, Ini: []string{"ssh_connection.control_path"}},
	{Name: "connection.ssh.control_path_dir", Default: "~/.ansible/cp", Vars: []string{"ansible_control_path_dir"}, Env: []string{"ANSIBLE_SSH_CONTROL_PATH_DIR"}, Ini: []string{"ssh_connection.control_path_dir"}},
	{Name: "connection.ssh.host", Default: "inventory_hostname", Vars: []string{"inventory_hostname", "ansible_host", "ansible_ssh_host"}},
	{Name: "connection.ssh.host_key_checking", Kind: Bool, Default: "true", Vars: []string{"ansible_host_key_checking", "ansible_ssh_host_key_checking"}, Env: []string{"ANSIBLE_HOST_KEY_CHECKING", "ANSIBLE_SSH_HOST_KEY_CHECKING"}, Ini: []string{"defaults.host_key_checking", "ssh_connection.host_key_checking"}},
	{Name: "connection.ssh.password", Vars: []string{"ansible_password", "ansible_ssh_pass", "ansible_ssh_password"}},
	{Name: "connection.ssh.pipelining", Kind: Bool, Default: "false", Vars: []string{"ansible_pipelining", "ansible_ssh_pipelining"}, Env: []string{"ANSIBLE_PIPELINING", "ANSIBLE_SSH_PIPELINING"}, Ini: []string{"defaults.pipelining", "connection.pipelining", "ssh_connection.pipelining"}},
	{Name: "connection.ssh.pkcs11_provider", Vars: []string{"ansible_ssh_pkcs11_provider"}, Env: []string{"ANSIBLE_PKCS11_PROVIDER"}, Ini: []string{"ssh_connection.pkcs11_provider"}},
	{Name: "connection.ssh.port", Kind: Int, Vars: []string{"ansible_port", "ansible_ssh_port"}, Env: []string{"ANSIBLE_REMOTE_PORT"}, Ini: []string{"defaults.remote_port"}},
	{Name: "connection.ssh.private_key_file", Vars: []string{"ansible_private_key_file", "ansible_ssh_private_key_file"}, Env: []string{"ANSIBLE_PRIVATE_KEY_FILE"}, Ini: []string{"defaults.private_key_file"}},
	{Name: "connection.ssh.reconnection_retries", Kind: Int, Default: "0", Vars: []string{"ansible_ssh_retries"}, Env: []string{"ANSIBLE_SSH_RETRIES"}, Ini: []string{"connection.retries", "ssh_connection.retries"}},
	{Name: "connection.ssh.remote_user", Vars: []string{"ansible_user", "ansible_ssh_user"}, Env: []string{"ANSIBLE_REMOTE_USER"}, Ini: []string{"defaults.remote_user"}},
	{Name: "connection.ssh.scp_executable", Default: "scp", Vars: []string{"ansible_scp_executable"}, Env: []string{"ANSIBLE_SCP_EXECUTABLE"}, Ini: []string{"ssh_connection.scp_executable"}},
	{Name: "connection.ssh.scp_extra_args", Vars: []string{"ansible_scp_extra_args"}, Env: []string{"ANSIBLE_SCP_EXTRA_ARGS"}, Ini: []string{"ssh_connection.scp_extra_args"}},
	{Name: "connection.ssh.scp_if_ssh", Default: "smart", Vars: []string{"ansible_scp_if_ssh"}, Env: []string{"ANSIBLE_SCP_IF_SSH"}, Ini: []string{"ssh_connection.scp_if_ssh"}},
	{Name: "connection.ssh.sftp_batch_mode", Kind: Bool, Default: "true", Vars: []string{"ansible_sftp_batch_mode"}, Env: []string{"ANSIBLE_SFTP_BATCH_MODE"}, Ini: []string{"ssh_connection.sftp_batch_mode"}},
	{Name: "connection.ssh.sftp_executable", Default: "sftp", Vars: []string{"ansible_sftp_executable"}, Env: []string{"ANSIBLE_SFTP_EXECUTABLE"}, Ini: []string{"ssh_connection.sftp_executable"}},
	{Name: "connection.ssh.sftp_extra_args", Vars: []string{"ansible_sftp_extra_args"}, Env: []string{"ANSIBLE_SFTP_EXTRA_ARGS"}, Ini: []string{"ssh_connection.sftp_extra_args"}},
	{Name: "connection.ssh.ssh_args", Default: "-C -o ControlMaster=auto -o ControlPersist=60s", Vars: []string{"ansible_ssh_args"}, Env: []string{"ANSIBLE_SSH_ARGS"}, Ini: []string{"ssh_connection.ssh_args"}},
	{Name: "connection.ssh.ssh_common_args", Vars: []string{"ansible_ssh_common_args"}, Env: []string{"ANSIBLE_SSH_COMMON_ARGS"}, Ini: []string{"ssh_connection.ssh_common_args"}},
	{Name: "connection.ssh.ssh_executable", Default: "ssh", Vars: []string{"ansible_ssh_executable"}, Env: []string{"ANSIBLE_SSH_EXECUTABLE"}, Ini: []string{"ssh_connection.ssh_executable"}},
	{Name: "connection.ssh.ssh_extra_args", Vars: []string{"ansible_ssh_extra_args"}, Env: []string{"ANSIBLE_SSH_EXTRA_ARGS"}, Ini: []string{"ssh_connection.ssh_extra_args"}},
	{Name: "connection.ssh.ssh_transfer_method", Vars: []string{"ansible_ssh_transfer_method"}, Env: []string{"ANSIBLE_SSH_TRANSFER_METHOD"}, Ini: []string{"ssh_connection.transfer_method"}},
	{Name: "connection.ssh.sshpass_prompt", Vars: []string{"ansible_sshpass_prompt"}, Env: []string{"ANSIBLE_SSHPASS_PROMPT"}, Ini: []string{"ssh_connection.sshpass_prompt"}},
	{Name: "connection.ssh.timeout", Kind: Int, Default: "10", Vars: []string{"ansible_ssh_timeout"}, Env: []string{"ANSIBLE_TIMEOUT", "ANSIBLE_SSH_TIMEOUT"}, Ini: []string{"defaults.timeout", "ssh_connection.timeout"}},
	{Name: "connection.ssh.use_tty", Kind: Bool, Default: "true", Vars: []string{"ansible_ssh_use_tty"}, Env: []string{"ANSIBLE_SSH_USETTY"}, Ini: []string{"ssh_connection.usetty"}},
	{Name: "shell.sh.admin_users", Kind: List, Default: "root, toor", Vars: []string{"ansible_admin_users"}, Env: []string{"ANSIBLE_ADMIN_USERS"}, Ini: []string{"defaults.admin_users"}},
	{Name: "shell.sh.async_dir", Default: "~/.ansible_async", Vars: []string{"ansible_async_dir"}, Env: []string{"ANSIBLE_ASYNC_DIR"}, Ini: []string{"defaults.async_dir"}},
	{Name: "shell.sh.common_remote_group", Vars: []string{"ansible_common_remote_group"}, Env: []string{"ANSIBLE_COMMON_REMOTE_GROUP"}, Ini: []string{"defaults.common_remote_group"}},
	{Name: "shell.sh.remote_tmp", Default: "~/.ansible/tmp", Vars: []string{"ansible_remote_tmp"}, Env: []string{"ANSIBLE_REMOTE_TEMP", "ANSIBLE_REMOTE_TMP"}, Ini: []string{"defaults.remote_tmp"}},
	{Name: "shell.sh.system_tmpdirs", Kind: List, Default: "/var/tmp, /tmp", Vars: []string{"ansible_system_tmpdirs"}, Env: []string{"ANSIBLE_SYSTEM_TMPDIRS"}, Ini: []string{"defaults.system_tmpdirs"}},
	{Name: "shell.sh.world_readable_temp", Kind: Bool, Default: "false", Vars: []string{"ansible_shell_allow_world_readable_temp"}, Env: []string{"ANSIBLE_SHELL_ALLOW_WORLD_READABLE_TEMP"}, Ini: []string{"defaults.allow_world_readable_tmpfiles"}},
}

// Plugin gives a setting of a plugin: from the variables, else from the
// environment and the file, else its default. plugin tells whether there is such
// a plugin here, found whether it has that setting.
func (c *Config) Plugin(kind, plugin, name string, vars func(string) (any, bool)) (v any, known, found bool) {
	prefix := kind + "." + plugin[strings.LastIndexByte(plugin, '.')+1:] + "."
	for i := range pluginSettings {
		s := &pluginSettings[i]
		if !strings.HasPrefix(s.Name, prefix) {
			continue
		}
		known = true
		if s.Name == prefix+name {
			return c.pluginValue(s, vars), true, true
		}
	}
	return nil, known, false
}

// Become gives what the environment and the file say about how a user is become:
// exe, flags or pass of a method, whichever method it is.
func (c *Config) Become(method, option string) string {
	method = method[strings.LastIndexByte(method, '.')+1:]
	env := strings.ToUpper(option)
	s := Setting{Env: []string{"ANSIBLE_BECOME_" + env, "ANSIBLE_" + strings.ToUpper(method) + "_" + env}}
	switch option {
	case "pass":
		s.Ini = []string{method + "_become_plugin.password"}
	case "exe":
		s.Ini = []string{"privilege_escalation.become_exe", method + "_become_plugin.executable"}
	default:
		s.Ini = []string{"privilege_escalation.become_" + option, method + "_become_plugin." + option}
	}
	v, _ := c.given(&s)
	return v
}

func (c *Config) pluginValue(s *Setting, vars func(string) (any, bool)) any {
	var found any
	for _, name := range s.Vars {
		if v, ok := vars(name); ok && v != nil {
			found = v
		}
	}
	text, isText := found.(string)
	if found == nil {
		if text, _ = c.given(s); text == "" {
			return nil
		}
		isText = true
	}
	if !isText {
		return found
	}
	return s.parse(text)
}

// parse is the value that text is for a setting of a plugin.
func (s *Setting) parse(text string) any {
	switch s.Kind {
	case Int:
		if n, err := strconv.Atoi(strings.TrimSpace(text)); err == nil {
			return n
		}
	case Bool:
		return truthy(text)
	case List:
		var out []any
		for _, p := range strings.Split(text, ",") {
			out = append(out, strings.TrimSpace(p))
		}
		return out
	}
	return text
}

// PluginSettings are the settings of plugins, named kind.plugin.name.
func PluginSettings() []Setting { return slices.Clone(pluginSettings) }

// PluginOption is a setting of a plugin as it is in force.
type PluginOption struct {
	Kind, Plugin, Name string
	Value              any
	Origin             string
}

// PluginOptions lists the settings of plugins, by kind, plugin and name.
func (c *Config) PluginOptions() []PluginOption {
	out := make([]PluginOption, 0, len(pluginSettings))
	for i := range pluginSettings {
		parts := strings.SplitN(pluginSettings[i].Name, ".", 3)
		text, from := c.given(&pluginSettings[i])
		var v any
		if text != "" {
			v = pluginSettings[i].parse(text)
		}
		out = append(out, PluginOption{Kind: parts[0], Plugin: parts[1], Name: parts[2], Value: v, Origin: from})
	}
	return out
}
