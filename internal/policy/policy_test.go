package policy_test

import (
	"reflect"
	"testing"

	"github.com/tutti-run/tutti/internal/policy"
	"github.com/tutti-run/tutti/parallel"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]parallel.Hint{
		"FullyParallel":                      parallel.Free(),
		"HostExclusive":                      parallel.Host(""),
		"HostExclusive(dpkg)":                parallel.Host("dpkg"),
		" GlobalExclusive( etcd ) ":          parallel.Global("etcd"),
		"RateLimited(ec2, 5/s)":              parallel.Limited("ec2", 5, 1),
		"RateLimited(ec2, 0.5)":              parallel.Limited("ec2", 0.5, 1),
		"RateLimited(api, 120/min, burst 3)": parallel.Limited("api", 2, 3),
	} {
		got, err := policy.Parse(text)
		if err != nil || got != want {
			t.Errorf("%q gave %v, %v", text, got, err)
		}
		if again, err := policy.Parse(got.String()); err != nil || again != got {
			t.Errorf("%q is shown as %q, which reads as %v, %v", text, got, again, err)
		}
	}
	for _, text := range []string{"", "Sometimes", "HostExclusive(", "FullyParallel(x)", "RateLimited(k)", "RateLimited(k, 0/s)", "RateLimited(k, -1/s)", "RateLimited(k, NaN/s)",
		"RateLimited(k, Inf/s)", "RateLimited(k, 5/week)", "RateLimited(k, 5/s, burst x)", "RateLimited(k, 5/s, burst 0)", "HostExclusive(a, b)"} {
		if h, err := policy.Parse(text); err == nil {
			t.Errorf("%q was accepted as %v", text, h)
		}
	}
}

func TestTightenOnlyAdds(t *testing.T) {
	got := policy.Tighten([]parallel.Hint{parallel.Host("dpkg")}, []parallel.Hint{parallel.Free(), parallel.Global("x")})
	if want := []parallel.Hint{parallel.Host("dpkg"), parallel.Global("x")}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	if got := policy.Tighten([]parallel.Hint{parallel.Free()}, nil); len(got) != 1 || got[0].Kind != parallel.FullyParallel {
		t.Errorf("got %v", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("RateLimited(ec2, 5/s, burst 3)")
	f.Fuzz(func(t *testing.T, text string) {
		if h, err := policy.Parse(text); err == nil && h.Validate() != nil {
			t.Errorf("%q gave the invalid hint %v", text, h)
		}
	})
}
