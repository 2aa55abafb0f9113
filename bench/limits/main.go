// Command limits is what Cairn's writes are held against: the least that a server could do with the same requests, and the
// least that a database does for a durable write. It is not changed after its first result, so that ratios to it compare.
//
//	limits http -listen 127.0.0.1:8080        decodes the bodies of writes and throws them away
//	limits files -listen 127.0.0.1:8080 -directory DIR   stores and gives files
//	limits sqlite -directory DIR              raw inserts and durable commits of SQLite
//	limits postgres -url postgres://…         the same of PostgreSQL
//
// The databases are written to for -duration each, and the rates printed as one line of JSON.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "limits:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("say which: http, files, sqlite or postgres")
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:0", "http, files: the address to serve on")
	directory := flags.String("directory", "", "sqlite, files: an existing folder, in which files are made")
	url := flags.String("url", "", "postgres: the database, in which a table is made and dropped")
	duration := flags.Duration("duration", 2*time.Second, "sqlite, postgres: the time of each measurement")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	var found Rates
	var err error
	switch args[0] {
	case "http":
		return serve(ctx, *listen)
	case "files":
		return serveFiles(ctx, *listen, *directory)
	case "sqlite":
		found, err = sqliteRates(ctx, *directory, *duration)
	case "postgres":
		found, err = postgresRates(ctx, *url, *duration)
	default:
		return fmt.Errorf("%q is none of http, files, sqlite and postgres", args[0])
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(found)
}
