package sdk

import (
	"fmt"
	"time"

	autologv1 "github.com/cairnml/cairn/plugins/sdk/proto/autolog/v1"
)

func observationFromProto(o *autologv1.Observation) Observation {
	return Observation{
		Sequence: o.GetSequence(), Kind: o.GetKind(), Time: time.UnixMilli(o.GetTimeMs()).UTC(),
		Fit: o.GetFit(), Payload: o.GetPayload(), Files: o.GetFiles(),
	}
}

func descriptionToProto(d Description) (*autologv1.DescribeResponse, error) {
	hook, err := d.hook()
	if err != nil {
		return nil, fmt.Errorf("adapter %s: %w", d.Name, err)
	}
	return &autologv1.DescribeResponse{
		Name: d.Name, Version: d.Version, Modules: d.Modules, Distribution: d.Distribution,
		FrameworkRange: d.FrameworkRange, Hook: hook.source, HookModules: hook.modules,
	}, nil
}

// recordsToProto converts what a session gave, up to the first record that cannot be. Times that were left out become
// `now`, so that they are the observation's and a replay gives the same records.
func recordsToProto(records []Record, now time.Time) ([]*autologv1.Record, error) {
	out := make([]*autologv1.Record, 0, len(records))
	for i, record := range records {
		converted, err := recordToProto(record, now)
		if err != nil {
			return out, fmt.Errorf("record %d: %w", i, err)
		}
		out = append(out, converted)
	}
	return out, nil
}

func recordToProto(record Record, now time.Time) (*autologv1.Record, error) {
	millis := func(t time.Time) int64 {
		if t.IsZero() {
			t = now
		}
		return t.UnixMilli()
	}
	switch r := record.(type) {
	case Param:
		return &autologv1.Record{Run: r.Run, What: &autologv1.Record_Param{
			Param: &autologv1.Param{Key: r.Key, Value: r.Value}}}, nil
	case Metric:
		return &autologv1.Record{Run: r.Run, What: &autologv1.Record_Metric{Metric: &autologv1.Metric{
			Key: r.Key, Value: r.Value, TimeMs: millis(r.Time), Step: r.Step, Measurement: r.Measurement, Model: r.Model}}}, nil
	case Tag:
		return &autologv1.Record{Run: r.Run, What: &autologv1.Record_Tag{
			Tag: &autologv1.Tag{Key: r.Key, Value: r.Value}}}, nil
	case Dataset:
		return &autologv1.Record{Run: r.Run, What: &autologv1.Record_Dataset{Dataset: &autologv1.Dataset{
			Name: r.Name, Digest: r.Digest, SourceType: r.SourceType, Source: r.Source,
			Schema: r.Schema, Profile: r.Profile, Context: r.Context}}}, nil
	case File:
		return &autologv1.Record{Run: r.Run, What: &autologv1.Record_File{File: fileToProto(r)}}, nil
	case Model:
		files := make([]*autologv1.File, len(r.Files))
		for i, file := range r.Files {
			files[i] = fileToProto(file)
		}
		return &autologv1.Record{Run: r.Run, What: &autologv1.Record_Model{Model: &autologv1.Model{
			Name: r.Name, ModelType: r.Type, Files: files, Params: r.Params, Tags: r.Tags, Metrics: r.Metrics}}}, nil
	case ChildRun:
		return &autologv1.Record{What: &autologv1.Record_ChildRun{ChildRun: &autologv1.ChildRun{
			Ref: r.Run, Parent: r.Parent, Name: r.Name, StartMs: millis(r.Start)}}}, nil
	case ChildEnd:
		return &autologv1.Record{Run: r.Run, What: &autologv1.Record_ChildEnd{
			ChildEnd: &autologv1.ChildEnd{Status: r.Status, EndMs: millis(r.End)}}}, nil
	case Warning:
		return &autologv1.Record{Run: r.Run, What: &autologv1.Record_Warning{
			Warning: &autologv1.Warning{Message: r.Message}}}, nil
	}
	return nil, fmt.Errorf("unknown kind %T: use the record structs by value", record)
}

func fileToProto(f File) *autologv1.File {
	out := &autologv1.File{Path: f.Path}
	if f.Source != "" {
		out.Content = &autologv1.File_Source{Source: f.Source}
	} else {
		out.Content = &autologv1.File_Data{Data: f.Data}
	}
	return out
}
