package ec2instance

import (
	"encoding/base64"
	"reflect"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/value"
)

func ids(l []types.Instance) []string {
	out := []string{}
	for _, i := range l {
		out = append(out, aws.ToString(i.InstanceId))
	}
	return out
}

func anys(l []string) []any {
	out := []any{}
	for _, s := range l {
		out = append(out, s)
	}
	return out
}

// instances are instances as playbooks see them: in snake_case, tags as a dict.
func instances(l []types.Instance) []any {
	out := []any{}
	for _, i := range l {
		m := shown(reflect.ValueOf(i), snake).(*value.Map)
		tags := value.NewMap(len(i.Tags))
		for _, tag := range i.Tags {
			tags.Set(aws.ToString(tag.Key), aws.ToString(tag.Value))
		}
		m.Set("tags", tags)
		out = append(out, m)
	}
	return out
}

// camel is a request as playbooks see it, under the API's own names.
func camel(in any) any {
	return shown(reflect.ValueOf(in), func(name string) string { return name })
}

// shownSpec is what RunInstances is asked for, with the user data as given.
func (t *task) shownSpec(in *ec2.RunInstancesInput) any {
	m := camel(in).(*value.Map)
	if s, ok := m.At("UserData").(string); ok {
		if plain, err := base64.StdEncoding.DecodeString(s); err == nil {
			m.Set("UserData", string(plain))
		}
	}
	return m
}

// shown turns what the SDK has into values: what is not set is left out.
func shown(v reflect.Value, name func(string) string) any {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return shown(v.Elem(), name)
	case reflect.Struct:
		if t, ok := v.Interface().(time.Time); ok {
			return timeText(t)
		}
		m := value.NewMap(v.NumField())
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() || unset(v.Field(i)) {
				continue
			}
			m.Set(name(f.Name), shown(v.Field(i), name))
		}
		return m
	case reflect.Slice:
		out := []any{}
		for i := range v.Len() {
			out = append(out, shown(v.Index(i), name))
		}
		return out
	case reflect.Bool:
		return v.Bool()
	case reflect.Int, reflect.Int32, reflect.Int64:
		return int(v.Int())
	case reflect.Float32, reflect.Float64:
		return v.Float()
	}
	return v.String()
}

// unset tells of a field that the service did not send: enums are plain text in
// the SDK, all else is a pointer or a list.
func unset(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Interface, reflect.Map:
		return v.IsNil()
	}
	return v.Kind() == reflect.String && v.Len() == 0
}

// timeText is a time as Python's isoformat writes it.
func timeText(t time.Time) string {
	t = t.UTC()
	if t.Nanosecond()/1000 != 0 {
		return t.Format("2006-01-02T15:04:05.000000-07:00")
	}
	return t.Format("2006-01-02T15:04:05-07:00")
}

var (
	plurals  = lazyregexp.New(`[A-Z]{3,}s$`)
	firstCap = lazyregexp.New(`(.)([A-Z][a-z]+)`)
	allCap   = lazyregexp.New(`([a-z0-9])([A-Z])`)
)

// snake is a name in snake_case: InstanceId is instance_id.
func snake(name string) string {
	name = plurals.ReplaceAllStringFunc(name, func(s string) string { return "_" + strings.ToLower(s) })
	name = firstCap.ReplaceAllString(name, "${1}_${2}")
	return strings.ToLower(allCap.ReplaceAllString(name, "${1}_${2}"))
}
