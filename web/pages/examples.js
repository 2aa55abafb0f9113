// What a newcomer asks first.

export const examples = [
  {
    name: "The newest runs",
    query: `query NewestRuns {
  runs(first: 10) {
    edges {
      node {
        runId
        name
        status
        startTime
        experiment { name }
        metrics { key last { value step } }
      }
    }
  }
}
`,
  },
  {
    name: "The best runs by a metric",
    query: `query Best($filter: String, $by: [String!]) {
  runs(filter: $filter, orderBy: $by, first: 5) {
    edges {
      node {
        name
        params { key value }
        metrics { key last { value } }
      }
    }
    totalCount
  }
}
`,
    variables: `{
  "filter": "attributes.status = 'FINISHED'",
  "by": ["metrics.accuracy DESC"]
}`,
  },
  {
    name: "Experiments",
    query: `query Experiments {
  experiments(first: 20, orderBy: {field: UPDATED_AT, direction: DESC}) {
    edges {
      node {
        experimentId
        name
        runs(first: 1) { totalCount }
      }
    }
  }
}
`,
  },
  {
    name: "Record a run",
    query: `mutation Record {
  createRun(input: {experimentName: "explorer", name: "by hand"}) {
    runId
    name
    status
  }
}

mutation Log($run: ID!) {
  logBatch(input: {
    runId: $run
    params: [{key: "depth", value: "3"}]
    metrics: [{key: "loss", value: 0.5, step: 1}, {key: "loss", value: 0.25, step: 2}]
  }) { stored cursor }
}
`,
    variables: `{
  "run": "paste the runId of the first one here"
}`,
  },
  {
    name: "A metric's course",
    query: `query Course($runs: [ID!]!) {
  metricSeries(runs: $runs, maxPoints: 500) {
    cursor
    series {
      key
      exact
      totalPoints
      points(limit: 100) { step value time }
    }
  }
}
`,
    variables: `{
  "runs": ["paste a runId here"]
}`,
  },
  {
    name: "Watch runs change",
    query: `subscription Watch {
  runsChanged {
    cursor
    changes {
      kind
      runId
      run { name status metrics { key last { value step } } }
    }
  }
}
`,
  },
  {
    name: "Watch a metric grow",
    query: `subscription Grow($runs: [ID!]!) {
  metricsAppended(runs: $runs) {
    cursor
    series {
      runId
      key
      points { step value }
    }
  }
}
`,
    variables: `{
  "runs": ["paste the runId of a run that is going on"]
}`,
  },
];
