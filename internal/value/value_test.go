package value_test

import (
	"math/big"
	"testing"

	"github.com/tutti-run/tutti/internal/value"
)

func TestJSONRoundTrip(t *testing.T) {
	big1, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	m := value.MapOf("b", 1, "a", []any{nil, true, 1.5, 1e20, "x\n\"\u00e9\U0001f600"}, "big", big1, "raw", "a\xffb")
	text := value.ToJSON(m)
	back, err := value.ParseJSON(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if again := value.ToJSON(back); string(again) != string(text) {
		t.Errorf("second round %s\nfirst %s", again, text)
	}
	if got := back.(*value.Map).At("raw"); got != "a\xffb" {
		t.Errorf("bytes that are not UTF-8 came back as %q", got)
	}
}

func TestJSONForms(t *testing.T) {
	m := value.MapOf("b", []any{1, 2.0}, "a", "é", 3, false)
	for _, c := range []struct {
		form value.JSON
		want string
	}{
		{value.JSON{}, `{"b":[1,2.0],"a":"é","3":false}`},
		{value.JSON{Python: true, ASCII: true}, `{"b": [1, 2.0], "a": "\u00e9", "3": false}`},
		{value.JSON{Indent: 2, SortKeys: true}, "{\n  \"3\": false,\n  \"a\": \"é\",\n  \"b\": [\n    1,\n    2.0\n  ]\n}"},
	} {
		if got := string(c.form.Append(nil, m)); got != c.want {
			t.Errorf("%+v:\n got %s\nwant %s", c.form, got, c.want)
		}
	}
}

func TestJSONRefuses(t *testing.T) {
	for _, in := range []string{"", "{", "[1,]", `{"a" 1}`, `{a:1}`, "01", "1 2", `"\x"`, "\"a\nb\"", "tru", `"\u12"`, "[1"} {
		if v, err := value.ParseJSON([]byte(in)); err == nil {
			t.Errorf("%q gave %v, want an error", in, v)
		}
	}
}

func TestMapKeysEqualAsInPython(t *testing.T) {
	m := value.NewMap(0)
	for i := range 20 {
		m.Set(i, i)
	}
	m.Set(1.0, "float")
	m.Set(true, "bool")
	if m.Len() != 20 || m.At(1) != "bool" {
		t.Errorf("1, 1.0 and True are one key: len %d, value %v", m.Len(), m.At(1))
	}
	m.Set(value.Tuple{1, "a"}, "tuple")
	if m.At(value.Tuple{1, "a"}) != "tuple" || m.Has(value.Tuple{1, "b"}) {
		t.Error("tuples are not compared by content")
	}
	if !m.Delete(5) || m.Has(5) || !m.Has(6) || m.Len() != 20 {
		t.Error("Delete lost track of the other keys")
	}
}

func FuzzParseJSON(f *testing.F) {
	f.Add([]byte(`{"a":[1,2.5,null,"\u00e9"]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := value.ParseJSON(data)
		if err != nil {
			return
		}
		if _, err := value.ParseJSON(value.ToJSON(v)); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
	})
}
