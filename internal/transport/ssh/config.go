package ssh

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kevinburke/ssh_config"

	"github.com/tutti-run/tutti/internal/transport"
)

// settings are what a connection goes by: the inventory's, then the arguments
// for ssh, then the user's and the system's ssh_config.
type settings struct {
	name       string // what ssh_config's patterns see
	hostname   string
	port       int
	user       string
	identities []string
	onlyThese  bool   // IdentitiesOnly
	agent      string // the agent's socket, "" for none
	forward    bool   // ForwardAgent

	publicKey, password, interactive bool // methods that may be tried

	proxyJump    []string // outermost first
	proxyCommand string

	knownHosts []string
	alias      string // HostKeyAlias
	hostKeys   transport.HostKeys
	ciphers    []string
	macs       []string
	kex        []string
	keyAlgos   []string
	network    string // tcp, tcp4 or tcp6

	timeout    time.Duration
	aliveEvery time.Duration // 0 is never
	aliveCount int

	// beyond is the setting that only the ssh program can honour, "" if none.
	beyond string
}

func (s *settings) addr() string { return joinHostPort(s.hostname, s.port) }

func joinHostPort(host string, port int) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + strconv.Itoa(port)
}

// files reads ssh_config files, each once.
type files struct {
	mu     sync.Mutex // guards the following
	parsed map[string]*parsedFile
}

type parsedFile struct {
	config *ssh_config.Config // nil if there is no such file
	err    error
}

func (f *files) load(path string) (*ssh_config.Config, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.parsed[path]; p != nil {
		return p.config, p.err
	}
	p := &parsedFile{}
	data, err := os.ReadFile(path)
	if err == nil {
		p.config, p.err = ssh_config.DecodeBytes(data)
	} else if !os.IsNotExist(err) {
		p.err = err
	}
	if f.parsed == nil {
		f.parsed = map[string]*parsedFile{}
	}
	f.parsed[path] = p
	return p.config, p.err
}

// lookup finds options for one host.
type lookup struct {
	given   *options
	name    string
	configs []*ssh_config.Config
}

func (l *lookup) all(key string) []string {
	values := append([]string{}, l.given.values[key]...)
	for _, c := range l.configs {
		found, err := c.GetAll(l.name, key)
		if err == nil {
			values = append(values, found...)
		}
	}
	return values
}

func (l *lookup) get(key string) string {
	if v := l.all(key); len(v) > 0 {
		return unquoted(strings.TrimSpace(v[0]))
	}
	return ""
}

func (l *lookup) list(key string) []string {
	v := l.get(key)
	if v == "" {
		return nil
	}
	return strings.Split(v, ",")
}

// beyond are options that change the connection in ways that we do not, with
// the values that change nothing.
var beyond = map[string]string{
	"bindaddress": "", "bindinterface": "", "canonicalizehostname": "no", "certificatefile": "",
	"pkcs11provider": "none", "proxyusefdpass": "no", "securitykeyprovider": "", "hostbasedauthentication": "no",
	"localforward": "", "remoteforward": "", "dynamicforward": "", "tunnel": "no", "knownhostscommand": "none",
	"remotecommand": "none", "localcommand": "", "requiredrsasize": "", "pubkeyacceptedalgorithms": "", "pubkeyacceptedkeytypes": "",
	"hostbasedacceptedalgorithms": "", "casignaturealgorithms": "", "revokedhostkeys": "none", "sessiontype": "default",
}

// resolve puts the settings for a connection together.
func (f *files) resolve(c transport.Config) (*settings, error) {
	given := &options{values: map[string][]string{}}
	// The order is that of the command line which Ansible builds.
	if err := given.parse(c.SSHArgs); err != nil {
		return nil, err
	}
	fromInventory(given, c)
	for _, text := range []string{c.SSHCommonArgs, c.SSHExtraArgs} {
		if err := given.parse(text); err != nil {
			return nil, err
		}
	}
	return f.settle(c.Addr(), given, c)
}

func fromInventory(given *options, c transport.Config) {
	if c.HostKeys == transport.IgnoreHostKeys {
		given.add("stricthostkeychecking", "no")
	}
	if c.HostKeys == transport.AcceptNew {
		given.add("stricthostkeychecking", "accept-new")
	}
	if c.Port != 0 {
		given.add("port", strconv.Itoa(c.Port))
	}
	if c.KeyFile != "" {
		given.add("identityfile", c.KeyFile)
	}
	if c.User != "" {
		given.add("user", c.User)
	}
	if c.KnownHosts != "" {
		given.add("userknownhostsfile", strings.ReplaceAll(c.KnownHosts, "\x00", " "))
	}
	if c.Timeout > 0 {
		given.add("connecttimeout", strconv.Itoa(int((c.Timeout+time.Second-1)/time.Second)))
	}
}

func (f *files) settle(name string, given *options, c transport.Config) (*settings, error) {
	l := &lookup{given: given, name: name}
	s := &settings{name: name, beyond: given.beyond, network: "tcp"}
	home := homeDir()
	paths := []string{filepath.Join(home, ".ssh/config"), "/etc/ssh/ssh_config"}
	switch given.file {
	case "":
	case "none":
		paths = nil
	default:
		paths = []string{expand(given.file, nil)}
	}
	for _, path := range paths {
		config, err := f.load(path)
		if err != nil {
			// What our reader does not understand (Match exec) the ssh program may.
			s.beyond = fmt.Sprintf("%s: %v", path, err)
			return s, nil
		}
		if config != nil {
			l.configs = append(l.configs, config)
		}
	}
	for key, harmless := range beyond {
		if v := l.get(key); v != "" && !strings.EqualFold(v, harmless) {
			s.beyond = key + " " + v
		}
	}
	return s, s.fill(l, c)
}

func (s *settings) fill(l *lookup, c transport.Config) error {
	s.hostname = s.name
	if v := l.get("hostname"); v != "" {
		s.hostname = strings.NewReplacer("%h", s.name, "%%", "%").Replace(v)
	}
	s.port = 22
	if v := l.get("port"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 65535 {
			return fmt.Errorf("bad port %q for %s", v, s.name)
		}
		s.port = n
	}
	if s.user = l.get("user"); s.user == "" {
		s.user = localUser()
	}
	s.publicKey = !no(l.get("pubkeyauthentication"))
	s.password = c.Password != "" && !no(l.get("passwordauthentication"))
	s.interactive = c.Password != "" && !no(l.get("kbdinteractiveauthentication")) && !no(l.get("challengeresponseauthentication"))
	s.prefer(l.list("preferredauthentications"))
	s.identify(l)
	if v := l.get("proxyjump"); v != "" && !strings.EqualFold(v, "none") {
		s.proxyJump = strings.Split(v, ",")
	} else if v := l.get("proxycommand"); v != "" && !strings.EqualFold(v, "none") {
		s.proxyCommand = s.tokens(v)
	}
	s.trust(l)
	s.ciphers, s.macs, s.kex, s.keyAlgos = s.algorithms(l, "ciphers"), s.algorithms(l, "macs"), s.algorithms(l, "kexalgorithms"), s.algorithms(l, "hostkeyalgorithms")
	switch strings.ToLower(l.get("addressfamily")) {
	case "inet":
		s.network = "tcp4"
	case "inet6":
		s.network = "tcp6"
	}
	s.timeout = c.ConnectTimeout()
	if n, err := strconv.Atoi(l.get("connecttimeout")); err == nil && n > 0 {
		s.timeout = time.Duration(n) * time.Second
	}
	if n, err := strconv.Atoi(l.get("serveraliveinterval")); err == nil {
		s.aliveEvery = time.Duration(n) * time.Second
	}
	s.aliveCount = 3
	if n, err := strconv.Atoi(l.get("serveralivecountmax")); err == nil && n > 0 {
		s.aliveCount = n
	}
	return nil
}

// prefer leaves out methods that the user does not list.
func (s *settings) prefer(methods []string) {
	if len(methods) == 0 {
		return
	}
	listed := map[string]bool{}
	for _, m := range methods {
		listed[strings.TrimSpace(m)] = true
	}
	s.publicKey = s.publicKey && listed["publickey"]
	s.password = s.password && listed["password"]
	s.interactive = s.interactive && listed["keyboard-interactive"]
}

func (s *settings) identify(l *lookup) {
	for _, v := range l.all("identityfile") {
		if v = unquoted(v); !strings.EqualFold(v, "none") {
			s.identities = append(s.identities, expand(v, s))
		}
	}
	if len(l.all("identityfile")) == 0 {
		for _, kind := range []string{"rsa", "ecdsa", "ed25519"} {
			s.identities = append(s.identities, filepath.Join(homeDir(), ".ssh/id_"+kind))
		}
	}
	s.onlyThese = yes(l.get("identitiesonly"))
	s.agent = os.Getenv("SSH_AUTH_SOCK")
	switch v := l.get("identityagent"); {
	case strings.EqualFold(v, "none"):
		s.agent = ""
	case strings.HasPrefix(v, "$"):
		s.agent = os.Getenv(strings.Trim(v, "${}"))
	case v != "" && v != "SSH_AUTH_SOCK":
		s.agent = expand(v, s)
	}
	s.forward = yes(l.get("forwardagent"))
}

func (s *settings) trust(l *lookup) {
	users := []string{"~/.ssh/known_hosts", "~/.ssh/known_hosts2"}
	if v := l.get("userknownhostsfile"); v != "" {
		users = strings.Fields(v)
	}
	system := []string{"/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"}
	if v := l.get("globalknownhostsfile"); v != "" {
		system = strings.Fields(v)
	}
	for _, f := range append(users, system...) {
		if f != "none" && f != "/dev/null" {
			s.knownHosts = append(s.knownHosts, expand(f, s))
		}
	}
	s.alias = l.get("hostkeyalias")
	switch strings.ToLower(l.get("stricthostkeychecking")) {
	case "no", "off", "false":
		s.hostKeys = transport.IgnoreHostKeys
	case "accept-new":
		s.hostKeys = transport.AcceptNew
	}
}

// algorithms reads a plain list; one that changes OpenSSH's default needs
// OpenSSH.
func (s *settings) algorithms(l *lookup, key string) []string {
	v := l.get(key)
	if v != "" && strings.ContainsAny(v[:1], "+-^") {
		s.beyond = key + " " + v
		return nil
	}
	return l.list(key)
}

func yes(v string) bool { return strings.EqualFold(v, "yes") || strings.EqualFold(v, "true") }
func no(v string) bool  { return strings.EqualFold(v, "no") || strings.EqualFold(v, "false") }

// tokens replaces the percent signs of ssh_config.
func (s *settings) tokens(text string) string {
	return strings.NewReplacer("%%", "%", "%h", s.hostname, "%n", s.name, "%p", strconv.Itoa(s.port),
		"%r", s.user, "%d", homeDir(), "%u", localUser()).Replace(text)
}

// expand replaces ~ and, where s is given, percent signs.
func expand(path string, s *settings) string {
	if s != nil {
		path = s.tokens(path)
	}
	if path == "~" || strings.HasPrefix(path, "~/") {
		return homeDir() + path[1:]
	}
	return path
}

// homeDir goes by $HOME, which people set in containers and tests.
func homeDir() string {
	if home, err := os.UserHomeDir(); err == nil {
		return home
	}
	return "/"
}

func localUser() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return os.Getenv("USER")
}
