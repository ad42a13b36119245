//go:build lab

package etcdmember_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/tutti-run/tutti/internal/cli"
	"github.com/tutti-run/tutti/internal/module"
	etcdmember "github.com/tutti-run/tutti/internal/module/control/etcd_member"
	"github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

// asProgram makes this test's own program be tutti; its value says whether
// hints are held.
const asProgram = "ETCD_TEST_AS_TUTTI"

func TestMain(m *testing.M) {
	if held := os.Getenv(asProgram); held != "" {
		cli.Unheld = held == "unheld"
		os.Exit(cli.Main(append([]string{"tutti"}, os.Args[1:]...), os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// node is where one member listens.
type node struct{ name, client, peer string }

// world is a folder in which etcd runs.
type world struct {
	*testing.T
	dir    string
	scheme string
	extra  []string // flags of every member
}

func newWorld(t *testing.T) *world {
	if _, err := exec.LookPath("etcd"); err != nil {
		t.Skip("etcd is not installed (Debian: etcd-server); sh e2e/run-lab.sh installs it")
	}
	dir, err := os.MkdirTemp("", "etcd-test-")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, dir: dir, scheme: "http"}
	t.Cleanup(func() {
		// Those that the playbook started have left their process ids.
		pids, _ := filepath.Glob(filepath.Join(dir, "*.pid")) // the pattern is right
		for _, p := range pids {
			data, _ := os.ReadFile(p)
			if pid, err := strconv.Atoi(strings.TrimSpace(string(data))); err == nil {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		if t.Failed() {
			t.Logf("the members' logs are in %s", dir)
			return
		}
		for range 50 { // until the killed have let go of their files
			if os.RemoveAll(dir) == nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	return w
}

func (w *world) node(name string) node {
	w.Helper()
	var urls []string
	for range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			w.Fatal(err)
		}
		defer l.Close()
		urls = append(urls, l.Addr().String())
	}
	return node{name, w.scheme + "://" + urls[0], "http://" + urls[1]}
}

func (w *world) flags(n node) []string {
	return append([]string{"--name", n.name, "--data-dir", filepath.Join(w.dir, n.name), "--listen-client-urls", n.client, "--advertise-client-urls", n.client,
		"--listen-peer-urls", n.peer, "--initial-advertise-peer-urls", n.peer}, w.extra...)
}

// start starts a member and waits until it serves.
func (w *world) start(n node, initial, state string, tlsConfig *tls.Config) {
	w.Helper()
	w.spawn(n, initial, state)
	w.client(tlsConfig, "", "", n)
}

// spawn starts a member, which serves once there is a majority.
func (w *world) spawn(n node, initial, state string) {
	w.Helper()
	cmd := exec.Command("etcd", append(w.flags(n), "--initial-cluster", initial, "--initial-cluster-state", state)...)
	log, err := os.Create(filepath.Join(w.dir, n.name+".log"))
	if err != nil {
		w.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait(); _ = log.Close() })
}

// client makes a client that has reached a node.
func (w *world) client(tlsConfig *tls.Config, user, password string, nodes ...node) *clientv3.Client {
	w.Helper()
	var urls []string
	for _, n := range nodes {
		urls = append(urls, n.client)
	}
	c, err := clientv3.New(clientv3.Config{Endpoints: urls, TLS: tlsConfig, Username: user, Password: password, DialTimeout: 10 * time.Second, Logger: zap.NewNop()})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = c.Close() })
	for begin := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		_, err := c.Status(ctx, urls[0])
		cancel()
		if err == nil {
			return c
		}
		if time.Since(begin) > 20*time.Second {
			w.Fatal(err)
		}
	}
}

// seed starts a cluster of one.
func (w *world) seed() node {
	n := w.node("seed")
	w.start(n, n.name+"="+n.peer, "new", nil)
	return n
}

// writer writes all the time, and keeps what went wrong.
type writer struct {
	stop   context.CancelFunc
	done   chan struct{}
	writes int
	worst  time.Duration
	errs   []error
}

func (w *world) write(c *clientv3.Client) *writer {
	ctx, cancel := context.WithCancel(context.Background())
	out := &writer{stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(out.done)
		for ; ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
			begin := time.Now()
			put, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			_, err := c.Put(put, "beat", begin.String())
			cancel()
			out.writes++
			out.worst = max(out.worst, time.Since(begin))
			if err != nil {
				out.errs = append(out.errs, err)
			}
		}
	}()
	return out
}

// end says what was wrong with the writes.
func (r *writer) end() string {
	r.stop()
	<-r.done
	if len(r.errs) > 0 || r.writes < 10 || r.worst > 4*time.Second {
		return fmt.Sprintf("of %d writes, %d failed, the slowest took %s: %v", r.writes, len(r.errs), r.worst, r.errs)
	}
	return ""
}

// handedOver is end where the lead changes hands meanwhile: etcd drops what is
// under way at that moment, which costs one write, or makes it slow.
func (r *writer) handedOver() string {
	time.Sleep(6 * time.Second) // longer than the lost write takes: others have to follow
	r.stop()
	<-r.done
	if len(r.errs) > 1 || r.writes < 10 {
		return fmt.Sprintf("of %d writes, %d failed, the slowest took %s: %v", r.writes, len(r.errs), r.worst, r.errs)
	}
	return ""
}

// grow is the play that users copy: each host's member is added as a learner,
// started and promoted.
const grow = `
- hosts: members
  gather_facts: false
  connection: local
  strategy: free
  vars:
    endpoints: ["{{ seed }}"]
  tasks:
    - name: Add
      etcd_member: {endpoints: "{{ endpoints }}", name: "{{ inventory_hostname }}", peer_urls: ["{{ peer }}"], learner: true}
      register: added
    - name: Start
      shell: >
        setsid etcd {{ flags }} --initial-cluster '{{ added.initial_cluster }}' --initial-cluster-state existing
        >{{ dir }}/{{ inventory_hostname }}.log 2>&1 & echo $! >{{ dir }}/{{ inventory_hostname }}.pid
    - name: Promote
      etcd_member: {endpoints: "{{ endpoints }}", name: "{{ inventory_hostname }}", peer_urls: ["{{ peer }}"], state: promoted}
      register: promoted
    - name: Keep
      copy:
        content: "{{ {'add': added, 'promote': promoted} | to_json }}"
        dest: "{{ dir }}/{{ inventory_hostname }}.json"
`

// play runs tutti.
func (w *world) play(held, text string, args ...string) (string, error) {
	w.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, "site.yml"), []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], append([]string{"play", "site.yml", "--forks", "50"}, args...)...)
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), asProgram+"="+held, "HOME="+w.dir, "TUTTI_LOCK_DIR="+filepath.Join(w.dir, "locks"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// hosts writes an inventory of n members.
func (w *world) hosts(seed node, n int) []node {
	w.Helper()
	var nodes []node
	text := "[members]\n"
	for i := range n {
		one := w.node(fmt.Sprintf("m%d", i+1))
		nodes = append(nodes, one)
		text += fmt.Sprintf("%s peer=%s flags='%s'\n", one.name, one.peer, strings.Join(w.flags(one), " "))
	}
	text += fmt.Sprintf("[members:vars]\nseed=%s\ndir=%s\n", seed.client, w.dir)
	if err := os.WriteFile(filepath.Join(w.dir, "hosts.ini"), []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
	return nodes
}

// try is one entry of a result's tries.
type try struct{ Start, End, Msg, who string }

// overlaps reads the tries of all hosts and tells of the first two that were at
// the same time; "" if there are none.
func (w *world) overlaps() string {
	w.Helper()
	files, _ := filepath.Glob(filepath.Join(w.dir, "*.json")) // the pattern is right
	var all []try
	for _, f := range files {
		var results map[string]struct{ Tries []try }
		data, err := os.ReadFile(f)
		if err == nil {
			err = json.Unmarshal(data, &results)
		}
		if err != nil {
			w.Fatal(err)
		}
		for what, r := range results {
			for _, t := range r.Tries {
				t.who = strings.TrimSuffix(filepath.Base(f), ".json") + " " + what
				all = append(all, t)
			}
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Start < all[j].Start })
	for i := 1; i < len(all); i++ {
		if all[i].Start < all[i-1].End {
			return fmt.Sprintf("%+v and %+v of %d tries", all[i-1], all[i], len(all))
		}
	}
	if len(all) < 2*len(files) {
		w.Errorf("%d tries of %d hosts", len(all), len(files))
	}
	return ""
}

// TestGrow adds five members over five hosts at once, and removes the first one
// afterwards. No two changes overlap, and the cluster can be written to all the
// time.
func TestGrow(t *testing.T) {
	w := newWorld(t)
	seed := w.seed()
	nodes := w.hosts(seed, 5)
	writes := w.write(w.client(nil, "", "", seed))
	out, err := w.play("held", grow, "-i", "hosts.ini", "--events", "events.jsonl")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if bad := writes.end(); bad != "" {
		t.Error(bad)
	}
	if bad := w.overlaps(); bad != "" {
		t.Error("overlap: ", bad)
	}
	verify := exec.Command(os.Args[0], "verify", filepath.Join(w.dir, "events.jsonl"))
	verify.Env = append(os.Environ(), asProgram+"=held")
	if out, err := verify.CombinedOutput(); err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
	events, err := os.ReadFile(filepath.Join(w.dir, "events.jsonl"))
	if err != nil || !strings.Contains(string(events), `"key":"global:etcd/`) {
		t.Errorf("the log knows no lock of the cluster: %v", err)
	}
	if got := w.voters(nodes[0]); got != "m1 m2 m3 m4 m5 seed" {
		t.Errorf("the voters are %s", got)
	}

	// All is in place: nothing is changed. Then the first member leaves.
	var urls []any
	for _, n := range nodes {
		urls = append(urls, n.client)
	}
	again := strings.NewReplacer("setsid etcd", "true", ".pid", ".again", ".log", ".again").Replace(grow)
	again = again[:strings.Index(again, "    - name: Keep")]
	if out, err := w.play("held", again, "-i", "hosts.ini"); err != nil || strings.Count(out, "changed=1 ") != 5 { // the shell command only

		t.Errorf("the second time: %v\n%s", err, out)
	}
	writes = w.write(w.client(nil, "", "", nodes...))
	for _, check := range []bool{true, false} {
		r := w.do(check, "state", "absent", "name", "seed", "endpoints", urls)
		if r.Failed || !r.Changed {
			t.Errorf("remove: %s", value.ToJSON(r.ToMap()))
		}
	}
	time.Sleep(time.Second)
	if bad := writes.handedOver(); bad != "" {
		t.Error(bad)
	}
	if got := w.voters(nodes[0]); got != "m1 m2 m3 m4 m5" {
		t.Errorf("the voters are %s", got)
	}
	if r := w.do(false, "state", "absent", "name", "seed", "endpoints", urls); r.Failed || r.Changed {
		t.Errorf("remove again: %s", value.ToJSON(r.ToMap()))
	}
	w.refusals(nodes)
}

// TestVoters adds two voting members to a cluster of three, over two hosts at
// once, and removes the one that leads.
func TestVoters(t *testing.T) {
	w := newWorld(t)
	var seeds []node
	var initial []string
	for i := range 3 {
		n := w.node(fmt.Sprintf("s%d", i+1))
		seeds, initial = append(seeds, n), append(initial, n.name+"="+n.peer)
	}
	for _, n := range seeds {
		w.spawn(n, strings.Join(initial, ","), "new")
	}
	w.client(nil, "", "", seeds[0])
	nodes := w.hosts(seeds[0], 2)
	writes := w.write(w.client(nil, "", "", seeds...))
	play := strings.Replace(grow, ", learner: true", "", 1)
	out, err := w.play("held", play, "-i", "hosts.ini")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if bad := writes.end(); bad != "" {
		t.Error(bad)
	}
	if bad := w.overlaps(); bad != "" {
		t.Error("overlap: ", bad)
	}
	got := ""
	for begin := time.Now(); time.Since(begin) < 10*time.Second && got != "m1 m2 s1 s2 s3"; time.Sleep(100 * time.Millisecond) {
		got = w.voters(seeds[0]) // a member tells its name a moment after it has started
	}
	if got != "m1 m2 s1 s2 s3" {
		t.Errorf("the voters are %s", got)
	}

	all := append(append([]node{}, seeds...), nodes...)
	leader := w.leader(all)
	var others []node
	var urls []any
	for _, n := range all {
		if n.name != leader {
			others, urls = append(others, n), append(urls, n.client)
		}
	}
	writes = w.write(w.client(nil, "", "", others...))
	if r := w.do(false, "state", "absent", "name", leader, "endpoints", urls); r.Failed || !r.Changed || len(r.Get("members").([]any)) != 4 {
		t.Errorf("remove %s: %s", leader, value.ToJSON(r.ToMap()))
	}
	time.Sleep(time.Second)
	if bad := writes.handedOver(); bad != "" {
		t.Error(bad)
	}
}

// leader is the name of the member that leads.
func (w *world) leader(nodes []node) string {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, n := range nodes {
		s, err := w.client(nil, "", "", n).Status(ctx, n.client)
		if err != nil {
			w.Fatal(err)
		}
		if s.Leader == s.Header.MemberId {
			return n.name
		}
	}
	w.Fatal("nobody leads")
	return ""
}

// refusals kills two of five members and asks for what would cost the majority.
func (w *world) refusals(nodes []node) {
	kill := func(n node) {
		data, err := os.ReadFile(filepath.Join(w.dir, n.name+".pid"))
		if err != nil {
			w.Fatal(err)
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
		if err != nil {
			w.Fatal(err)
		}
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	kill(nodes[0])
	kill(nodes[1])
	ends := []any{nodes[2].client, nodes[0].client, nodes[3].client, nodes[4].client}
	for begin := time.Now(); time.Since(begin) < 10*time.Second; time.Sleep(200 * time.Millisecond) { // until somebody leads again
		if r := w.do(true, "name", "m3", "endpoints", ends, "wait", false, "timeout", 2); !r.Failed {
			break
		}
	}
	for _, c := range []struct {
		pairs []any
		want  string
	}{
		{[]any{"state", "absent", "name", "m3"}, "cannot remove m3: of 4 voting members then, 3 must be well for a majority and 2 would be; not well: m1 ("},
		{[]any{"peer_urls", []any{"http://127.0.0.1:9"}}, "cannot add http://127.0.0.1:9: of 6 voting members then, 4 must be well for a majority and 3 would be; not well: m1 ("},
	} {
		r := w.do(false, append([]any{"endpoints", ends, "wait", false, "timeout", 2}, c.pairs...)...)
		if !r.Failed || !strings.Contains(r.Msg, c.want) || !strings.Contains(r.Msg, "m2 (") {
			w.Errorf("want %q, got %s", c.want, value.ToJSON(r.ToMap()))
		}
	}
	// One that is dead may go: the majority stays.
	if r := w.do(false, "state", "absent", "name", "m1", "endpoints", ends); r.Failed || !r.Changed {
		w.Errorf("%s", value.ToJSON(r.ToMap()))
	}
}

// do runs the module here.
func (w *world) do(check bool, pairs ...any) *module.Result {
	w.Helper()
	return moduletest.Task(w.T, &moduletest.Controller{CheckMode: check}, &etcdmember.Module, nil, value.MapOf(pairs...))
}

func (w *world) voters(n node) string {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	l, err := w.client(nil, "", "", n).MemberList(ctx)
	if err != nil {
		w.Fatal(err)
	}
	var names []string
	for _, m := range l.Members {
		if !m.IsLearner {
			names = append(names, m.Name)
		}
	}
	sort.Strings(names)
	return strings.Join(names, " ")
}

// TestGrowUnheld is the test of the test: with enforcement off, changes of one
// cluster overlap, or fail.
func TestGrowUnheld(t *testing.T) {
	w := newWorld(t)
	seed := w.seed()
	w.hosts(seed, 5)
	out, err := w.play("unheld", grow, "-i", "hosts.ini")
	if err == nil && w.overlaps() == "" {
		t.Errorf("with enforcement off nothing was wrong: the test sees nothing\n%s", out)
	}
}

// A voter beside the only one would stop the cluster until it is started.
func TestSecondVoter(t *testing.T) {
	w := newWorld(t)
	seed := w.seed()
	r := w.do(false, "endpoints", []any{seed.client}, "name", "b", "peer_urls", []any{"http://127.0.0.1:9"})
	if !r.Failed || !strings.Contains(r.Msg, "add it as a learner, start it and promote it") {
		t.Errorf("%s", value.ToJSON(r.ToMap()))
	}
	if r = w.do(false, "endpoints", []any{seed.client}, "name", "seed", "state", "absent"); !r.Failed || !strings.Contains(r.Msg, "it is the only voting member") {
		t.Errorf("%s", value.ToJSON(r.ToMap()))
	}
	for _, check := range []bool{true, false} {
		if r = w.do(check, "endpoints", []any{seed.client}, "name", "b", "peer_urls", []any{"http://127.0.0.1:9"}, "learner", true); r.Failed || !r.Changed {
			t.Errorf("%s", value.ToJSON(r.ToMap()))
		}
	}
	// Nobody starts it, so it cannot be promoted, and nobody else can be added.
	if r = w.do(false, "endpoints", []any{seed.client}, "peer_urls", []any{"http://127.0.0.1:9"}, "state", "promoted", "wait_timeout", 1); !r.Failed || !strings.Contains(r.Msg, "gave up after 1 s: cannot promote") || !strings.Contains(r.Msg, "not started") {
		t.Errorf("%s", value.ToJSON(r.ToMap()))
	}
	if r = w.do(false, "endpoints", []any{seed.client}, "name", "c", "peer_urls", []any{"http://127.0.0.1:10"}, "learner", true, "wait", false); !r.Failed || !strings.Contains(r.Msg, "is still a learner") {
		t.Errorf("%s", value.ToJSON(r.ToMap()))
	}
	// Its address may still be put right.
	if r = w.do(false, "endpoints", []any{seed.client}, "name", "seed", "peer_urls", []any{seed.peer, "http://127.0.0.1:11"}); r.Failed || !r.Changed {
		t.Errorf("%s", value.ToJSON(r.ToMap()))
	}
	other := w.node("other")
	w.start(other, other.name+"="+other.peer, "new", nil)
	if r = w.do(false, "endpoints", []any{seed.client, other.client}, "name", "seed"); !r.Failed || !strings.Contains(r.Msg, "the endpoints belong to different clusters") {
		t.Errorf("%s", value.ToJSON(r.ToMap()))
	}
}

// certify makes a certificate for 127.0.0.1 that signs itself and is good for
// servers and clients.
func (w *world) certify() (cert, key string, config *tls.Config) {
	w.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &private.PublicKey, private)
	if err != nil {
		w.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		w.Fatal(err)
	}
	certPEM, keyPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret})
	cert, key = filepath.Join(w.dir, "cert.pem"), filepath.Join(w.dir, "key.pem")
	for path, data := range map[string][]byte{cert: certPEM, key: keyPEM} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			w.Fatal(err)
		}
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		w.Fatal(err)
	}
	config = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, RootCAs: x509.NewCertPool()}
	config.RootCAs.AppendCertsFromPEM(certPEM)
	return cert, key, config
}

// TestTLSAndAuth speaks to a cluster that wants certificates and a password.
func TestTLSAndAuth(t *testing.T) {
	w := newWorld(t)
	w.scheme = "https"
	cert, key, config := w.certify()
	w.extra = []string{"--cert-file", cert, "--key-file", key, "--trusted-ca-file", cert, "--client-cert-auth"}
	n := w.node("safe")
	w.start(n, n.name+"="+n.peer, "new", config)
	c := w.client(config, "", "", n)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	const password = "hunter2-of-etcd"
	_, err := c.UserAdd(ctx, "root", password)
	if err == nil {
		_, err = c.UserGrantRole(ctx, "root", "root")
	}
	if err == nil {
		_, err = c.AuthEnable(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	base := []any{"endpoints", []any{n.client}, "name", "b", "peer_urls", []any{"http://127.0.0.1:9"}, "learner", true, "timeout", 3, "wait", false}
	with := func(more ...any) *module.Result { return w.do(false, append(append([]any{}, base...), more...)...) }
	files := []any{"ca_cert", cert, "client_cert", cert, "client_key", key}
	for _, c := range []struct {
		want string
		r    *module.Result
	}{
		{"certificate signed by unknown authority", with("user", "root", "password", password)},
		{"remote error: tls: ", with("user", "root", "password", password, "ca_cert", cert)},
		{"user name not found", with(files...)},
		{"authentication failed", with(append([]any{"user", "root", "password", "wrong-" + password}, files...)...)},
	} {
		if !c.r.Failed || !strings.Contains(c.r.Msg, c.want) || strings.Contains(c.r.Msg, password) {
			t.Errorf("want %q, got %s", c.want, value.ToJSON(c.r.ToMap()))
		}
	}
	if r := with(append([]any{"user", "root", "password", password}, files...)...); r.Failed || !r.Changed {
		t.Errorf("%s", value.ToJSON(r.ToMap()))
	}
}
