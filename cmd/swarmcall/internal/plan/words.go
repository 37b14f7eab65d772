package plan

import (
	"cmp"
	"errors"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// shapes describe the format of a plan's values, by their types.
var shapes = map[string]string{
	"time.Duration":     "a duration with a unit, such as 10s or 1m30s",
	"int":               "a whole number",
	"int64":             "a whole number",
	"string":            "text",
	"bool":              "true or false",
	"[]plan.Stage":      "a list of stages",
	"[]string":          "a list, such as [a, b]",
	"map[string]string": "a mapping, such as {region: eu}",
	"plan.Plan":         "a mapping, such as {stages: […]}",
	"plan.Stage":        "a mapping, such as {hold: 10s}",
	"plan.Target":       "a mapping, such as {labels: {region: eu}}",
	"plan.Wait":         "a mapping, such as {drivers: 3}",
	"plan.Set":          "a mapping, such as {players: 10}",
	"plan.Ramp":         "a mapping, such as {to: 100, step: 10, every: 10s}",
}

// inWords describes the errors of a plan without Go identifiers.
func inWords(err error) error {
	unknownName := regexp.MustCompile(`^(line \d+: )field (.*) not found in type plan\.(\w+)$`)
	wrongShape := regexp.MustCompile("(?s)^(line \\d+: )cannot unmarshal !!\\w+ (?:`(.*)` )?into (\\S+)$")
	e, ok := errors.AsType[*yaml.TypeError](err)
	if !ok {
		return err
	}
	var all []error
	for _, fault := range e.Errors {
		if m := unknownName.FindStringSubmatch(fault); m != nil {
			fault = m[1] + "unknown field " + m[2] + "; allowed here: " + strings.Join(names(m[3]), ", ")
		} else if m := wrongShape.FindStringSubmatch(fault); m != nil && shapes[m[3]] != "" {
			fault = m[1] + cmp.Or(m[2], "this value") + " must be " + shapes[m[3]]
		}
		all = append(all, errors.New(fault))
	}
	return errors.Join(all...)
}

// names returns the fields that a mapping of a plan may have.
func names(kind string) (all []string) {
	types := []reflect.Type{
		reflect.TypeFor[Plan](), reflect.TypeFor[Target](), reflect.TypeFor[Stage](),
		reflect.TypeFor[Wait](), reflect.TypeFor[Set](), reflect.TypeFor[Ramp](),
	}
	i := slices.IndexFunc(types, func(t reflect.Type) bool { return t.Name() == kind })
	if i < 0 {
		return nil
	}
	for f := range types[i].Fields() {
		if name := f.Tag.Get("yaml"); name != "" && name != "-" {
			all = append(all, name)
		}
	}
	return all
}
