package swarmtest_test

import (
	"testing"

	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

func TestMemLogContract(t *testing.T) {
	swarmtest.LogContract(t, func(*testing.T) swarmtest.Log { return &swarmtest.MemLog{} })
}
