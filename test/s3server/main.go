// Command s3server is an S3 server in memory, for tests. It prints its URL, and serves until its input ends.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

func main() {
	backend := s3mem.New()
	for _, bucket := range os.Args[1:] {
		if err := backend.CreateBucket(bucket); err != nil {
			fmt.Fprintln(os.Stderr, "s3server:", err)
			os.Exit(1)
		}
	}
	web := httptest.NewServer(gofakes3.New(backend, gofakes3.WithLogger(gofakes3.StdLog(log.New(io.Discard, "", 0)))).Server())
	defer web.Close()
	fmt.Fprintln(os.Stdout, web.URL)
	_, _ = io.Copy(io.Discard, os.Stdin) // however it ends
}
