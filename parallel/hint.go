package parallel

import (
	"fmt"
	"math"
	"strconv"
)

// Kind is one of the four ways in which work may be limited.
type Kind uint8

// The zero Kind is not valid: a hint has to be chosen.
const (
	// FullyParallel work has no limit and no cost.
	FullyParallel Kind = iota + 1
	// HostExclusive work is alone on its machine among work on an overlapping resource.
	HostExclusive
	// RateLimited work starts at most so many times a second for its key.
	RateLimited
	// GlobalExclusive work is alone anywhere among work of an overlapping name.
	GlobalExclusive
)

// String returns the kind's name as documents and policy files spell it.
func (k Kind) String() string {
	switch k {
	case FullyParallel:
		return "FullyParallel"
	case HostExclusive:
		return "HostExclusive"
	case RateLimited:
		return "RateLimited"
	case GlobalExclusive:
		return "GlobalExclusive"
	}
	return "Kind(" + strconv.Itoa(int(k)) + ")"
}

// Hint says how one piece of work may overlap with other work. Make one with
// Free, Host, Global or Limited.
type Hint struct {
	Kind Kind

	// Name is the resource of a HostExclusive hint, the name of a
	// GlobalExclusive hint, or the key of a RateLimited one. An empty resource
	// overlaps every resource of that machine, an empty name every name.
	Name string

	// Rate is requests a second and Burst how many may start at once after a
	// pause; both belong to RateLimited only.
	Rate  float64
	Burst int
}

// Free is work without any limit.
func Free() Hint { return Hint{Kind: FullyParallel} }

// Host is work that is alone on its machine among work on the same resource
// ("dpkg", "systemd"). An empty resource overlaps every resource there.
func Host(resource string) Hint { return Hint{Kind: HostExclusive, Name: resource} }

// Global is work that is alone anywhere among work of the same name. An empty
// name overlaps every name.
func Global(name string) Hint { return Hint{Kind: GlobalExclusive, Name: name} }

// Limited is work that starts at most rate times a second for its key, evenly
// spaced; after a pause, up to burst may start at once.
func Limited(key string, rate float64, burst int) Hint {
	return Hint{Kind: RateLimited, Name: key, Rate: rate, Burst: burst}
}

// Validate reports what is wrong with the hint, if anything: an unknown kind,
// a rate that is not a positive finite number, a burst below one.
func (h Hint) Validate() error {
	switch h.Kind {
	case FullyParallel, HostExclusive, GlobalExclusive:
		return nil
	case RateLimited:
		if !(h.Rate > 0) || math.IsInf(h.Rate, 0) {
			return fmt.Errorf("rate of %q is %v: it must be a positive number of requests a second", h.Name, h.Rate)
		}
		if h.Burst < 1 {
			return fmt.Errorf("burst of %q is %d: it must be at least 1", h.Name, h.Burst)
		}
		return nil
	}
	return fmt.Errorf("hint without a kind: use Free, Host, Global or Limited")
}

// String shows the hint as documents do: HostExclusive(dpkg), RateLimited(ec2, 5/s).
func (h Hint) String() string {
	switch {
	case h.Kind == RateLimited && h.Burst > 1:
		return fmt.Sprintf("RateLimited(%s, %s/s, burst %d)", h.Name, strconv.FormatFloat(h.Rate, 'g', -1, 64), h.Burst)
	case h.Kind == RateLimited:
		return fmt.Sprintf("RateLimited(%s, %s/s)", h.Name, strconv.FormatFloat(h.Rate, 'g', -1, 64))
	case h.Name != "":
		return h.Kind.String() + "(" + h.Name + ")"
	}
	return h.Kind.String()
}
