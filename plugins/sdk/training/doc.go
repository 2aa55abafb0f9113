// Package training makes records of what the helpers of a hook tell: data by cairn.tabular, models by cairn.models, points
// of metrics by cairn.Points. Adapters of frameworks that train models share it, so that the same thing is recorded in the
// same way, whatever framework it comes from.
package training
