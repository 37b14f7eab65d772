package integer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestInDigits(t *testing.T) {
	for in, want := range map[string]string{
		"5": "5", "5.0": "5", "5e0": "5", "5E+0": "5", "50e-1": "5", "1e3": "1000", "1.5e3": "1500", "0.5e1": "5",
		"500000e-5": "5",
		"-0":        "0", "-0.0": "0", "0e1000000000": "0", "0e-99999999999999999999": "0", "-5.0": "-5",
		"-1e2":               "-100",
		"9007199254740993.0": "9007199254740993", "9223372036854775807e0": "9223372036854775807",
		"18446744073709551615.000": "18446744073709551615", "5.5": "5.5", "1e-1": "1e-1", "1e400": "1e400",
		"1e1000000000": "1e1000000000", "1e-1000000000": "1e-1000000000",
		"1e99999999999999999999": "1e99999999999999999999",
		"1e20":                   "1e20", "1e19": "10000000000000000000", "01.0": "01.0", "5.": "5.", ".5e1": ".5e1",
		"5e":  "5e",
		"5e+": "5e+", "+5.0": "+5.0",
		"--5.0": "--5.0", "5.0.0": "5.0.0", "5e0e0": "5e0e0", "-": "-", "1-2.0": "1-2.0",
		`{"a":5.0,"b":[1e1,"5.0","\"5.0",-0],"5.0":"\\"}`: `{"a":5,"b":[10,"5.0","\"5.0",0],"5.0":"\\"}`,
		`"5.0`: `"5.0`, `"5.0\`: `"5.0\`, "": "",
	} {
		text := []byte(in)
		if got := string(InDigits(text)); got != want {
			t.Errorf("InDigits(%s) = %s, want %s", in, got, want)
		}
		if string(text) != in {
			t.Errorf("InDigits changed its argument %s to %s", in, text)
		}
	}
}

// TestExponentsCostNothing: neither the size of an exponent nor the number of zeros makes a text long.
func TestExponentsCostNothing(t *testing.T) {
	for _, in := range []string{"1e1000000000", "-1e999999999999999999999999", "0e" + strings.Repeat("9", 60_000),
		"1" + strings.Repeat("0", 60_000) + "e-60000"} {
		text := []byte(in)
		if n := testing.AllocsPerRun(10, func() { InDigits(text) }); n > 10 {
			t.Errorf("%.20s…: %v allocations", in, n)
		}
		if got := InDigits(text); len(got) > len(in) {
			t.Errorf("%.20s… becomes %d bytes", in, len(got))
		}
	}
}

// decodes is the reference: it returns the int64 value of a JSON number, by arithmetic without bounds.
func decodes(number string) (value int64, ok bool) {
	r, ok := new(big.Rat).SetString(number)
	if !ok || !r.IsInt() || !r.Num().IsInt64() {
		return 0, false
	}
	return r.Num().Int64(), true
}

func sameVerdict(t *testing.T, number string) {
	t.Helper()
	want, fits := decodes(number)
	var got int64
	err := json.Unmarshal(InDigits([]byte(number)), &got)
	if (err == nil) != fits || (fits && got != want) {
		t.Fatalf("%s decodes to %d, %v; by arithmetic it is %d, %v", number, got, err, want, fits)
	}
}

// TestAsArithmetic tries numbers around every bound.
func TestAsArithmetic(t *testing.T) {
	random := rand.New(rand.NewPCG(10, 14)) // a fixed seed makes the test repeatable
	bases := []string{"0", "1", "5", "10", "9007199254740991", "9007199254740993", "9223372036854775807",
		"9223372036854775808", "18446744073709551615", "100000000000000000000"}
	for range 20_000 {
		number := bases[random.IntN(len(bases))]
		if at := random.IntN(len(number) + 1); random.IntN(2) == 0 && at > 0 && at < len(number) {
			number = number[:at] + "." + number[at:]
		} else if random.IntN(2) == 0 {
			number += "." + strings.Repeat("0", 1+random.IntN(4)) + []string{"", "1", "50"}[random.IntN(3)]
		}
		if random.IntN(2) == 0 {
			number += []string{"e", "E"}[random.IntN(2)] + []string{"", "+", "-"}[random.IntN(3)] +
				fmt.Sprintf("%0*d", random.IntN(4), random.IntN(30))
		}
		if random.IntN(3) == 0 {
			number = "-" + number
		}
		sameVerdict(t, number)
	}
}

func FuzzAsArithmetic(f *testing.F) {
	for _, seed := range []string{"5.0", "5e0", "-0", "1e3", "5.5", "1e400", "9007199254740993.0", "0.0000001e7",
		"92233720368547758070e-1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, number string) {
		n, ok := parse([]byte(number))
		if !ok || n.exponent > 1000 || n.exponent < -1000-len(number) {
			return // out of what the reference computes in reasonable time
		}
		sameVerdict(t, number)
	})
}

// FuzzInDigits: valid JSON stays JSON of the same values, and invalid JSON does not become valid.
func FuzzInDigits(f *testing.F) {
	f.Add([]byte(`{"a":[5.0,"x\"5.0",-0,1e3,null,true]}`))
	f.Add([]byte(`{"a":01.0}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		got := InDigits(text)
		if json.Valid(text) != json.Valid(got) {
			t.Fatalf("%q becomes %q", text, got)
		}
		if again := InDigits(got); !bytes.Equal(again, got) {
			t.Fatalf("%q becomes %q, and that %q", text, got, again)
		}
		if !json.Valid(text) {
			return
		}
		if before, after := tokens(text), tokens(got); before != after {
			t.Fatalf("%q becomes %q: %s and %s", text, got, before, after)
		}
	})
}

// tokens lists the tokens of a JSON text, with numbers as floats.
func tokens(text []byte) string {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var b strings.Builder
	for {
		token, err := d.Token()
		if err != nil {
			return b.String()
		}
		if n, ok := token.(json.Number); ok {
			value, _ := n.Float64() // too large a one is ±Inf, on both sides
			_, _ = fmt.Fprint(&b, value+0, " ")
			continue
		}
		_, _ = fmt.Fprintf(&b, "%v ", token)
	}
}
