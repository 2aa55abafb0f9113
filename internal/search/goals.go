package search

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/cairnml/cairn/ent/metricgoal"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// goals says what best() of each metric means in the searched experiments: metricgoal.GoalMINIMIZE,
// metricgoal.GoalMAXIMIZE, or goalDiffers.
type goals map[string]metricgoal.Goal

const goalDiffers metricgoal.Goal = "differs"

// column gives the value of a metric from a row of metric_series.
func (g goals) column(alias string, o Operand) string {
	switch o.Func {
	case First:
		return alias + ".first_value"
	case Min:
		return alias + ".min_value"
	case Max:
		return alias + ".max_value"
	case Best:
		switch g[o.Key] {
		case metricgoal.GoalMINIMIZE:
			return alias + ".min_value"
		case goalDiffers:
			return "(CASE (SELECT g.goal FROM metric_goals g WHERE g.experiment_id = " + alias + ".experiment_id AND g.key = " +
				alias + ".key) WHEN 'MINIMIZE' THEN " + alias + ".min_value ELSE " + alias + ".max_value END)"
		default:
			return alias + ".max_value"
		}
	default:
		return alias + ".last_value"
	}
}

// loadGoals reads the goals of metrics that a query asks the best of. Each searched experiment that has the metric must
// have one: nobody can guess whether more is better. experiments nil means all.
func loadGoals(ctx context.Context, db *store.DB, keys []string, experiments []int) (goals, error) {
	out := goals{}
	for _, key := range keys {
		var q fragment
		q.sql("SELECT e.id, g.goal FROM experiments e LEFT JOIN metric_goals g ON g.experiment_id = e.id AND g.key = ")
		q.arg(key)
		q.sql(" WHERE EXISTS (SELECT 1 FROM metric_series s WHERE s.experiment_id = e.id AND s.key = ")
		q.arg(key)
		q.sql(")")
		if experiments != nil {
			q.sql(" AND e.id IN ")
			argList(&q, experiments)
		}
		q.sql(" ORDER BY e.id")
		if err := out.read(ctx, db, key, &q); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (g goals) read(ctx context.Context, db *store.DB, key string, q *fragment) error {
	rows, err := db.Read().QueryContext(ctx, q.String(), q.args...)
	if err != nil {
		return fmt.Errorf("read metric goals: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var experiment int
		var goal sql.NullString
		if err := rows.Scan(&experiment, &goal); err != nil {
			return fmt.Errorf("scan metric goal: %w", err)
		}
		if !goal.Valid {
			return errs.New(errs.Invalid, "best(metrics.%s) needs to know which direction is better in experiment %d: call "+
				"setMetricGoal(experimentId: \"%d\", key: %q, goal: MAXIMIZE or MINIMIZE), or write max() or min()",
				key, experiment, experiment, key)
		}
		switch found := metricgoal.Goal(goal.String); g[key] {
		case "", found:
			g[key] = found
		default:
			g[key] = goalDiffers
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read metric goals: %w", err)
	}
	return nil
}
