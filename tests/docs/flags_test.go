package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

var (
	flagForm = regexp.MustCompile(`(?:^|[\s\[(])--([a-z][a-z0-9-]*)`)
	// programLine is a line of a block that starts one of the two programs. What follows -- is for another program.
	programLine = regexp.MustCompile(`^(?:\$ )?(?:exec )?(swarmcall(?:-server)?) (.*?)( -- .*)?$`)
)

// foreign are other programs whose flags documents name; down is a command of docker compose.
var foreign = []string{"docker", "down", "k6"}

// TestFlagsExist: each flag in a document is one of the server or of the command line; in a line that starts one of the
// two, it is a flag of that program.
func TestFlagsExist(t *testing.T) {
	of := map[string][]string{"swarmcall-server": serverFlagNames(t), "swarmcall": cliFlags(t)}
	if server, cli := len(of["swarmcall-server"]), len(of["swarmcall"]); server < 25 || cli < 60 {
		t.Fatalf("found %d flags of the server and %d of the command line", server, cli)
	}
	either := slices.Concat(of["swarmcall-server"], of["swarmcall"], []string{"token"}) // there is no --token, they say
	lines, named := 0, 0
	for path, text := range documents(t) {
		for _, line := range programLines(text) {
			lines++
			known := of[line[1]]
			for _, m := range flagForm.FindAllStringSubmatch(line[2], -1) {
				if !slices.Contains(known, m[1]) {
					t.Errorf("%s: %s has no flag --%s: %s", path, line[1], m[1], line[0])
				}
			}
		}
		for _, span := range code(fences.ReplaceAllString(text, "")) {
			own, _, _ := strings.Cut(span, " -- ")
			program, _, _ := strings.Cut(strings.Join(strings.Fields(own), " "), " ")
			known := either
			if of[program] != nil {
				known = of[program]
			} else if slices.Contains(foreign, program) {
				continue
			}
			for _, m := range flagForm.FindAllStringSubmatch(own, -1) {
				named++
				if !slices.Contains(known, m[1]) {
					t.Errorf("%s: there is no flag --%s: %s", path, m[1], span)
				}
			}
		}
	}
	if lines < 50 || named < 100 {
		t.Errorf("found only %d lines that start a program, and %d flags in code spans", lines, named)
	}
}

// programLines returns the matches of programLine in the blocks of a document.
func programLines(text string) (found [][]string) {
	for _, block := range fences.FindAllString(text, -1) {
		for line := range strings.Lines(strings.ReplaceAll(block, "\\\n", "")) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), " #")
			if m := programLine.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
				found = append(found, m)
			}
		}
	}
	return found
}

func serverFlagNames(t *testing.T) (names []string) {
	t.Helper()
	for _, line := range serverFlags(t) {
		name, _, _ := strings.Cut(line, " ")
		names = append(names, strings.TrimPrefix(name, "--"))
	}
	return names
}

// cliFlags reads the flags of all verbs from the fields of their structs, as the library that parses them does.
func cliFlags(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "cmd", "swarmcall", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{"help": true}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if f, ok := n.(*ast.Field); ok && len(f.Names) == 1 && f.Tag != nil && f.Names[0].IsExported() {
				if name := flagOf(t, f); name != "" {
					names[name] = true
				}
			}
			return true
		})
	}
	return slices.Sorted(maps.Keys(names))
}

// flagOf returns the flag of a field, "" for none.
func flagOf(t *testing.T, f *ast.Field) string {
	t.Helper()
	text, err := strconv.Unquote(f.Tag.Value)
	if err != nil {
		t.Fatal(err)
	}
	tag := reflect.StructTag(text)
	_, help := tag.Lookup("help")
	_, arg := tag.Lookup("arg")
	_, cmd := tag.Lookup("cmd")
	if !help || arg || cmd {
		return ""
	}
	var name reflect.StructTag
	if own, ok := tag.Lookup("name"); ok {
		name = reflect.StructTag("name:" + strconv.Quote(own))
	}
	one := reflect.StructOf([]reflect.StructField{{Name: f.Names[0].Name, Type: reflect.TypeFor[string](), Tag: name}})
	parser, err := kong.New(reflect.New(one).Interface(), kong.NoDefaultHelp())
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model.Flags[0].Name
}
