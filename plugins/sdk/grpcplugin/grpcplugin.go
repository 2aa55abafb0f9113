// Package grpcplugin is the wire between Cairn's agent and adapters: hashicorp/go-plugin's handshake and the gRPC
// service. It is shared by both ends and of no use to authors of adapters, who use package sdk.
package grpcplugin

import (
	"context"
	"errors"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	autologv1 "github.com/cairnml/cairn/plugins/sdk/proto/autolog/v1"
)

const (
	// ProtocolVersion is that of package cairn.autolog.v1.
	ProtocolVersion = 1
	// Name is the adapter's within go-plugin's set of plugins.
	Name = "adapter"
	// MaxMessageBytes bounds one gRPC message: an observation's payload is at most 16 MiB, and a picture or a table drawn
	// from it may be larger.
	MaxMessageBytes = 64 << 20
)

// Handshake tells that a program was started as an adapter. It should never be changed.
var Handshake = plugin.HandshakeConfig{
	MagicCookieKey:   "CAIRN_AUTOLOG_PLUGIN",
	MagicCookieValue: "7a61f0d2b3c94e0d9c1b6c6f3f0e52a4",
}

// Plugins gives the sets of plugins by protocol version. An adapter passes its service; the agent passes nil.
func Plugins(service autologv1.AdapterServer) map[int]plugin.PluginSet {
	return map[int]plugin.PluginSet{ProtocolVersion: {Name: &adapterPlugin{service: service}}}
}

// DialOptions are those of the agent's connection.
func DialOptions() []grpc.DialOption {
	return []grpc.DialOption{grpc.WithDefaultCallOptions(
		grpc.MaxCallRecvMsgSize(MaxMessageBytes), grpc.MaxCallSendMsgSize(MaxMessageBytes))}
}

// NewServer makes the adapter's gRPC server.
func NewServer(options []grpc.ServerOption) *grpc.Server {
	return grpc.NewServer(append(options, grpc.MaxRecvMsgSize(MaxMessageBytes), grpc.MaxSendMsgSize(MaxMessageBytes))...)
}

type adapterPlugin struct {
	plugin.NetRPCUnsupportedPlugin
	service autologv1.AdapterServer
}

func (p *adapterPlugin) GRPCServer(_ *plugin.GRPCBroker, server *grpc.Server) error {
	if p.service == nil {
		return errors.New("no adapter to serve")
	}
	autologv1.RegisterAdapterServer(server, p.service)
	return nil
}

func (*adapterPlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return autologv1.NewAdapterClient(conn), nil
}
