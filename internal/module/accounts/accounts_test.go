package accounts

import (
	"os"
	"testing"

	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

func TestSplit(t *testing.T) {
	got := split("# a:b\nroot:x:0\n\nshort\n+::\n", 3)
	if len(got) != 2 || got[0][2] != "0" || got[1][0] != "+" {
		t.Errorf("%q", got)
	}
}

func TestDB(t *testing.T) {
	if !mt.Private(t, "/etc") {
		return
	}
	for name, text := range map[string]string{
		"passwd": "root:x:0:0:r:/root:/bin/sh\nu:x:7:8:A B,,:/home/u:/bin/false\n", "group": "root:x:0:\ng:x:8:u,v\n7:x:9:\n",
		"shadow": "root:*:1::::::\nu:!h:1:2:3:7::19000:\n", "nsswitch.conf": "passwd: files # nothing else\ngroup: files\nshadow: files\n",
	} {
		if err := os.WriteFile("/etc/"+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	db := Open(t.Context(), mt.Env(t, mt.Options{}))
	if u := db.User("u"); u == nil || *u != (User{Name: "u", Password: "x", UID: 7, GID: 8, Comment: "A B,,", Home: "/home/u", Shell: "/bin/false"}) {
		t.Errorf("user %+v", u)
	}
	if db.User("none") != nil || db.Group("none") != nil || db.Shadow("none") != nil || db.User("") != nil {
		t.Error("what is not there was found")
	}
	if g := db.GroupOf("8"); g == nil || g.Name != "g" || len(g.Members) != 2 {
		t.Errorf("group 8: %+v", g)
	}
	if g := db.GroupOf("7"); g == nil || g.GID != 9 { // a name that looks like a number
		t.Errorf("group 7: %+v", g)
	}
	if s := db.Shadow("u"); s == nil || *s != (Shadow{Password: "!h", Min: 2, Max: 3, Expire: 19000}) {
		t.Errorf("shadow %+v", s)
	}
	if s := db.Shadow("root"); s == nil || s.Min != -1 || s.Expire != -1 {
		t.Errorf("shadow of root %+v", s)
	}
	if n := len(db.Groups()); n != 3 {
		t.Errorf("%d groups", n)
	}
}
