package main

import (
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
)

// The listener is what the test has passed as the first file after stderr.
func init() {
	l, err := net.FileListener(os.NewFile(3, "pprof"))
	if err != nil {
		panic(err)
	}
	go func() { panic(http.Serve(l, nil)) }()
}
