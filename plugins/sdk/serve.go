package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/cairnml/cairn/plugins/sdk/grpcplugin"
	autologv1 "github.com/cairnml/cairn/plugins/sdk/proto/autolog/v1"
)

// Serve is an adapter's main: it serves the agent that started the program and ends with it. Started by hand, it says
// what it is and exits with status 1.
func Serve(adapter Adapter) {
	description := adapter.Describe()
	if os.Getenv(grpcplugin.Handshake.MagicCookieKey) != grpcplugin.Handshake.MagicCookieValue {
		fmt.Fprintf(os.Stderr, "This is %s %s, an autolog adapter of Cairn's, which `cairn exec` starts by itself.\n",
			description.Name, description.Version)
		os.Exit(1) //nolint:forbidigo // Serve is an adapter's main
	}
	if err := description.Validate(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:forbidigo // Serve is an adapter's main
	}
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig:  grpcplugin.Handshake,
		VersionedPlugins: grpcplugin.Plugins(&service{adapter: adapter}),
		GRPCServer:       grpcplugin.NewServer,
		Logger:           hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: os.Stderr, JSONFormat: true}),
	})
}

// service is an Adapter behind gRPC.
type service struct {
	autologv1.UnimplementedAdapterServer
	adapter Adapter
}

func (s *service) Describe(context.Context, *autologv1.DescribeRequest) (*autologv1.DescribeResponse, error) {
	return descriptionToProto(s.adapter.Describe())
}

func (s *service) Session(stream autologv1.Adapter_SessionServer) error {
	first, err := stream.Recv()
	if err != nil {
		return fmt.Errorf("begin session: %w", err)
	}
	start := first.GetStart()
	if start == nil {
		return errors.New("begin session: the first message must be a SessionStart")
	}
	session := s.adapter.NewSession(SessionInfo{
		PythonVersion: start.GetPythonVersion(), Distribution: start.GetDistribution(),
		FrameworkVersion: start.GetFrameworkVersion(), FilesDir: start.GetFilesDir(), Options: start.GetOptions(),
	})
	last := time.UnixMilli(0)
	for {
		request, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return stream.Send(answer(0, last, session.Close))
		}
		if err != nil {
			return fmt.Errorf("receive observation: %w", err)
		}
		observation := observationFromProto(request.GetObservation())
		last = observation.Time
		set := answer(observation.Sequence, last, func() ([]Record, error) { return session.Observe(observation) })
		if err := stream.Send(set); err != nil {
			return fmt.Errorf("send records: %w", err)
		}
	}
}

// answer runs a method of a session. Whatever goes wrong in it becomes a warning on the run: an adapter's fault in one
// observation must not cost the others.
func answer(sequence uint64, now time.Time, observe func() ([]Record, error)) *autologv1.RecordSet {
	set := &autologv1.RecordSet{Sequence: sequence}
	records, err := guarded(observe)
	converted, convertErr := recordsToProto(records, now)
	if err = errors.Join(err, convertErr); err != nil {
		converted = append(converted, &autologv1.Record{What: &autologv1.Record_Warning{
			Warning: &autologv1.Warning{Message: err.Error()}}})
	}
	set.Records = converted
	return set
}

func guarded(observe func() ([]Record, error)) (records []Record, err error) {
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(os.Stderr, "panic: %v\n%s", p, debug.Stack())
			records, err = nil, fmt.Errorf("the adapter failed: %v", p)
		}
	}()
	return observe()
}
