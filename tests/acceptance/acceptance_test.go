package acceptance

import (
	"net/http"
	"testing"

	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/api/apitest"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// checked validates every answer against api/openapi.yaml.
func checked(base http.RoundTripper) http.RoundTripper { return apitest.Transport(base) }

func TestAcceptance(t *testing.T) {
	swarmtest.Scenarios(t, func(t *testing.T, name string, scenario func(*testing.T, swarmtest.World)) {
		t.Run(name, func(t *testing.T) { scenario(t, startServer(t, nil)) })
	})
}
