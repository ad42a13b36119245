package vault

import (
	"errors"
	"strings"
	"testing"
)

func TestRoundTrip(t *testing.T) {
	for _, plain := range []string{"", "x", "exactly sixteen!", strings.Repeat("long ", 1000), "\x00\xff"} {
		for _, id := range []string{"", "default", "prod"} {
			s := Secret{ID: id, Password: []byte("geheim")}
			data, err := Encrypt([]byte(plain), s, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := New([]Secret{{ID: "other", Password: []byte("no")}, s}, false).Decrypt(data, "")
			if err != nil || string(got) != plain {
				t.Errorf("%.20q with id %q came back as %.20q, %v", plain, id, got, err)
			}
			if _, err := New([]Secret{{Password: []byte("wrong")}}, false).Decrypt(data, "f.yml"); err == nil || !strings.Contains(err.Error(), "f.yml") {
				t.Errorf("a wrong password gave %v", err)
			}
		}
	}
}

func TestNoSecrets(t *testing.T) {
	data, _ := Encrypt([]byte("x"), Secret{Password: []byte("p")}, nil)
	if _, err := New(nil, false).Decrypt(data, ""); !errors.Is(err, ErrNoSecrets) {
		t.Errorf("got %v", err)
	}
}

func TestMatchID(t *testing.T) {
	data, _ := Encrypt([]byte("x"), Secret{ID: "a", Password: []byte("p")}, nil)
	if _, err := New([]Secret{{ID: "b", Password: []byte("p")}}, true).Decrypt(data, ""); err == nil {
		t.Error("a secret of another id was tried")
	}
}

func FuzzDecrypt(f *testing.F) {
	data, _ := Encrypt([]byte("x"), Secret{ID: "a", Password: []byte("p")}, nil)
	f.Add(data)
	v := New([]Secret{{Password: []byte("p")}}, false)
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = v.Decrypt(data, "")
	})
}
