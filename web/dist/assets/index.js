const __vite__mapDeps=(i,m=__vite__mapDeps,d=(m.f||(m.f=["./RunPage.js","./rolldown-runtime.js","./vendor.js","./Dialog.js","./Dialog.css","./visible.js","./visible.css","./RunPage.css","./ComparePage.js","./ComparePage.css","./ModelsPage.js","./ModelsPage.css","./ModelPage.js"])))=>i.map(i=>d[i]);
import{n as e}from"./rolldown-runtime.js";import{_ as t,a as n,b as r,c as i,d as a,f as o,g as s,h as c,i as l,l as u,m as d,n as f,o as p,p as m,r as h,s as g,t as _,u as v,v as y,x as b,y as x}from"./vendor.js";var ee=i(),S=e(b(),1);function C(e){let t=e,n=new Set;return{get:()=>t,set(e){if(!Object.is(e,t)){t=e;for(let e of n)e()}},subscribe(e){return n.add(e),()=>n.delete(e)}}}function w(e){return(0,S.useSyncExternalStore)(e.subscribe,e.get)}var T=`cairn.token`;function te(){try{return sessionStorage.getItem(T)??``}catch{return``}}var E=C(te());E.subscribe(()=>{try{sessionStorage.setItem(T,E.get())}catch{}});var D=C(``);function O(){return E.get()?{Authorization:`Bearer ${E.get()}`}:{}}var k=e=>new URL(e.replace(/^\/+/,``),document.baseURI).href,A=new l({url:k(`graphql`),exchanges:[n,p],preferGetMethod:!1,fetch:(e,t)=>fetch(e,{...t,signal:null}),fetchOptions:()=>({headers:O()})}),j=class extends Error{code;field;constructor(e,t=``,n=``){super(e),this.code=t,this.field=n}};function M(e){if(e instanceof j)return e;if(e instanceof g){let t=e.graphQLErrors[0];if(t){let e=new j(t.message,String(t.extensions.code??``),String(t.extensions.field??``));return e.code===`UNAUTHENTICATED`&&D.set(e.message),e}return new j(`The server cannot be reached.`,`UNREACHABLE`)}return new j(e instanceof Error?e.message:String(e))}async function N(e,t){let{data:n,error:r}=await A.query(e.toString(),t,{requestPolicy:`network-only`}).toPromise();if(r)throw M(r);return n}async function P(e,t){let{data:n,error:r}=await A.mutation(e.toString(),t).toPromise();if(r)throw M(r);return n}async function ne(e,t){let n=await fetch(k(e),{headers:O(),signal:t??null});if(n.ok)return n;let r=`status ${n.status}`;try{let e=await n.json();r=e.detail??e.message??r}catch{}throw new j(r)}var F=C(`idle`),re=f({url:k(`graphql`).replace(/^http/,`ws`),connectionParams:()=>E.get()?{authorization:`Bearer ${E.get()}`}:{},retryAttempts:1/0,retryWait:e=>new Promise(t=>{setTimeout(t,Math.min(5e3,250*2**e)*(.5+Math.random()/2))}),shouldRetry:()=>!0,keepAlive:15e3,lazyCloseTimeout:2e3,on:{connecting:()=>F.set(F.get()===`broken`?`broken`:`connecting`),connected:()=>F.set(`live`),closed:e=>{F.set(e.wasClean&&e.code===1e3?`idle`:`broken`)}}});E.subscribe(()=>re.terminate());function ie(e,t,n,r=()=>{},i=()=>{}){let a={query:e.toString(),variables:{...t}};return re.subscribe(a,{next(e){let t=e.errors?.[0];if(t)r(new j(t.message,String(t.extensions?.code??``),String(t.extensions?.field??``)));else if(e.data){let t=n(e.data);t!==void 0&&(a.variables.after=t)}},error(e){if(Array.isArray(e)){let t=e[0];r(new j(t?.message??`refused`,String(t?.extensions?.code??``),String(t?.extensions?.field??``)))}else e instanceof Error&&r(new j(e.message))},complete:i})}function ae(e){let t={};for(let[n,r]of new URLSearchParams(e))(t[n]??=[]).push(r);return Object.fromEntries(Object.entries(t).map(([e,t])=>[e,t.length===1?t[0]:t]))}function oe(e){let t=new URLSearchParams;for(let[n,r]of Object.entries(e))for(let e of Array.isArray(r)?r:[r])e!=null&&e!==``&&t.append(n,String(e));let n=t.toString();return n?`?${n}`:``}function I(e){let t=Array.isArray(e)?e[0]:e;return typeof t==`string`&&t!==``?t:void 0}function L(e){let t=(Array.isArray(e)?e:[e]).filter(e=>typeof e==`string`&&e!==``);return t.length>0?t:void 0}function se(e){return{run:L(e.run),tab:I(e.tab),all:I(e.all),dim:L(e.dim),by:I(e.by),axis:I(e.axis),log:I(e.log),smooth:I(e.smooth),x:I(e.x)}}var R=class extends String{__apiType;value;__meta__;constructor(e,t){super(e),this.value=e,this.__meta__=t}toString(){return this.value}};new R(`
    fragment RunRow on Run {
  runId
  name
  status
  statusReason
  lifecycleStage
  startTime
  endTime
  userId
  createdBy
  experiment {
    experimentId
    name
    metricGoals {
      key
      goal
    }
  }
  params(keys: $params) {
    key
    value
  }
  tags(keys: $tags) {
    key
    value
  }
  metrics(keys: $metrics) {
    key
    nanCount
    last {
      value
    }
    min {
      value
    }
    max {
      value
    }
  }
}
    `,{fragmentName:`RunRow`});var ce=new R(`
    query MetricSeries($runs: [ID!]!, $keys: [String!], $axis: MetricAxis!, $range: MetricRange, $maxPoints: Int!) {
  metricSeries(
    runs: $runs
    keys: $keys
    axis: $axis
    range: $range
    maxPoints: $maxPoints
  ) {
    cursor
    series {
      runId
      key
      exact
      incomplete
      totalPoints
      stepScale
      steps
      times
      min
      max
      last
    }
  }
}
    `),le=new R(`
    subscription MetricsAppended($runs: [ID!]!, $keys: [String!], $after: String) {
  metricsAppended(runs: $runs, keys: $keys, after: $after, maxRate: 20) {
    cursor
    series {
      runId
      key
      stepScale
      steps
      times
      values
    }
  }
}
    `),ue=new R(`
    query CompareRuns($runs: [ID!]!) {
  compareRuns(runs: $runs) {
    runs {
      runId
      name
      status
      startTime
      endTime
      experiment {
        name
      }
      inputs {
        context
        dataset {
          name
          digest
        }
      }
      fingerprint {
        codeHash
        dataHash
        dependenciesHash
        seedsHash
        commandHash
        hardwareHash
      }
    }
    params {
      key
      values
      differs
    }
    metrics {
      key
      last
      differs
    }
  }
}
    `),de=new R(`
    query Experiments($filter: String, $orderBy: ExperimentOrder, $view: View, $after: String) {
  experiments(
    filter: $filter
    orderBy: $orderBy
    view: $view
    first: 100
    after: $after
  ) {
    totalCount
    pageInfo {
      hasNextPage
      endCursor
    }
    edges {
      node {
        experimentId
        name
        lifecycleStage
        createdAt
        createdBy
        tags {
          key
          value
        }
        all: runs(first: 1) {
          totalCount
          edges {
            node {
              startTime
            }
          }
        }
        running: runs(filter: "status = 'RUNNING'", first: 1) {
          totalCount
        }
        failed: runs(filter: "status IN ('FAILED', 'KILLED')", first: 1) {
          totalCount
        }
      }
    }
  }
}
    `),fe=new R(`
    subscription SomeRunChanged($after: String) {
  runsChanged(after: $after, maxRate: 1) {
    cursor
    changes {
      kind
    }
  }
}
    `),pe=new R(`
    query Model($name: String!) {
  registeredModel(name: $name) {
    name
    description
    createdAt
    createdBy
    tags {
      key
      value
    }
    aliases {
      alias
      version
    }
    rules {
      stage
      kind
      text
    }
    versions(first: 100) {
      totalCount
      edges {
        node {
          version
          stage
          aliases
          status
          statusMessage
          description
          source
          runId
          createdAt
          createdBy
          run {
            runId
            name
          }
          signature {
            inputs {
              name
              type
              required
            }
            outputs {
              name
              type
              required
            }
            params {
              name
              type
              default
            }
          }
          approvals {
            stage
            principal
          }
        }
      }
    }
    history(first: 100) {
      pageInfo {
        hasNextPage
      }
      edges {
        node {
          sequence
          action
          modelName
          version
          fromStage
          toStage
          detail
          reason
          principal
          time
        }
      }
    }
  }
  viewer {
    role
  }
}
    `),me=new R(`
    query StageAt($name: String!, $stage: String!, $time: Time!) {
  modelStageAt(name: $name, stage: $stage, time: $time) {
    version
    reason
    principal
    time
  }
}
    `),he=new R(`
    query Models($filter: String, $after: String) {
  registeredModels(
    filter: $filter
    orderBy: ["last_updated_timestamp DESC"]
    first: 100
    after: $after
  ) {
    totalCount
    pageInfo {
      hasNextPage
      endCursor
    }
    edges {
      node {
        name
        description
        updatedAt
        aliases {
          alias
          version
        }
        latestVersions(stages: ["Production", "Staging"]) {
          version
          stage
        }
        versions(first: 1) {
          totalCount
        }
      }
    }
  }
}
    `),ge=new R(`
    subscription SomeVersionChanged($names: [String!], $after: String) {
  modelVersionsChanged(names: $names, after: $after, maxRate: 2) {
    cursor
    changes {
      kind
    }
  }
}
    `),_e=new R(`
    mutation Register($input: CreateModelVersionInput!) {
  createModelVersion(input: $input) {
    name
    version
  }
}
    `),ve=new R(`
    mutation Transition($input: TransitionModelVersionStageInput!) {
  transitionModelVersionStage(input: $input) {
    version
    stage
  }
}
    `),ye=new R(`
    mutation Rollback($name: String!, $stage: String!, $reason: String!, $dryRun: Boolean!) {
  rollbackModelStage(name: $name, stage: $stage, reason: $reason, dryRun: $dryRun) {
    version
    stage
  }
}
    `),be=new R(`
    query CompareVersions($from: ModelVersionRef!, $to: ModelVersionRef!) {
  compareModelVersions(from: $from, to: $to) {
    verdict
    complete
    parts
    schema {
      part
      name
      from
      to
      breaks
      why
    }
    params {
      key
      from
      to
    }
    metrics {
      key
      from
      to
    }
    data {
      name
      context
      fromDigest
      toDigest
    }
    dependencies {
      key
      from
      to
    }
  }
}
    `),xe=new R(`
    query Artifacts($id: ID!, $path: String!, $after: String) {
  run(id: $id) {
    artifacts(path: $path, first: 1000, after: $after) {
      pageInfo {
        hasNextPage
        endCursor
      }
      edges {
        node {
          path
          isDir
          size
          downloadUrl
        }
      }
    }
  }
}
    `),Se=new R(`
    query ModelArtifacts($id: ID!, $path: String!, $after: String) {
  loggedModel(id: $id) {
    artifacts(path: $path, first: 1000, after: $after) {
      pageInfo {
        hasNextPage
        endCursor
      }
      edges {
        node {
          path
          isDir
          size
          downloadUrl
        }
      }
    }
  }
}
    `),Ce=new R(`
    subscription RunLog($run: ID!, $after: String) {
  runLogAppended(run: $run, after: $after, maxRate: 10) {
    cursor
    chunks {
      stream
      text
    }
  }
}
    `),we=new R(`
    query MetricGroups($id: ID!) {
  run(id: $id) {
    metricGroups {
      prefix
      metrics
      folder
    }
  }
}
    `),Te=new R(`
    query MetricKeys($id: ID!, $prefix: String!, $after: String) {
  run(id: $id) {
    metricPage(prefix: $prefix, first: 60, after: $after) {
      totalCount
      pageInfo {
        hasNextPage
        endCursor
      }
      edges {
        node {
          key
          role
        }
      }
    }
  }
}
    `),Ee=new R(`
    query Run($id: ID!) {
  run(id: $id) {
    runId
    name
    status
    statusReason
    lifecycleStage
    startTime
    endTime
    userId
    createdBy
    experiment {
      experimentId
      name
    }
    parent {
      runId
      name
    }
    children(first: 100) {
      totalCount
      edges {
        node {
          runId
          name
          status
          startTime
        }
      }
    }
    params {
      key
      value
    }
    tags {
      key
      value
    }
    metricPage(first: 200) {
      totalCount
      edges {
        node {
          key
          role
          count
          nanCount
          last {
            value
            step
          }
          min {
            value
            step
          }
          max {
            value
            step
          }
        }
      }
    }
    inputs {
      context
      dataset {
        name
        digest
        sourceType
      }
    }
    outputs {
      step
      model {
        modelId
        name
        modelType
        status
        createdAt
      }
    }
    fingerprint {
      codeHash
      dataHash
      dependenciesHash
      seedsHash
      commandHash
      hardwareHash
    }
  }
  viewer {
    role
  }
}
    `),De=new R(`
    subscription RunChanged($filter: String!, $after: String) {
  runsChanged(filter: $filter, after: $after, maxRate: 1) {
    cursor
    changes {
      kind
    }
  }
}
    `),Oe=new R(`
    mutation SetTag($runId: ID!, $key: String!, $value: String!) {
  setTag(runId: $runId, key: $key, value: $value) {
    runId
  }
}
    `),ke=new R(`
    mutation DeleteTag($runId: ID!, $key: String!) {
  deleteTag(runId: $runId, key: $key) {
    runId
  }
}
    `),Ae=new R(`
    query ExperimentHead($id: ID!) {
  experiment(id: $id) {
    experimentId
    name
    tags {
      key
      value
    }
  }
  viewer {
    role
  }
}
    `),je=new R(`
    mutation DeleteRun($runId: ID!) {
  deleteRun(runId: $runId) {
    runId
  }
}
    `),Me=new R(`
    mutation RestoreRun($runId: ID!) {
  restoreRun(runId: $runId) {
    runId
  }
}
    `),Ne=new R(`
    query Facets($experiments: [ID!], $prefix: String!) {
  runFacets(experiments: $experiments) {
    runs
    metrics(prefix: $prefix, first: 1000) {
      edges {
        node {
          key
          runs
          min
          max
        }
      }
      pageInfo {
        hasNextPage
      }
    }
    params(prefix: $prefix, first: 1000) {
      edges {
        node {
          key
          runs
          min
          max
        }
      }
      pageInfo {
        hasNextPage
      }
    }
    tags(prefix: $prefix, first: 1000) {
      edges {
        node {
          key
          runs
          min
          max
        }
      }
      pageInfo {
        hasNextPage
      }
    }
  }
}
    `),Pe=new R(`
    query Runs($experiments: [ID!], $filter: String, $orderBy: [String!], $view: View, $topLevel: Boolean!, $first: Int!, $after: String, $params: [String!], $tags: [String!], $metrics: [String!]) {
  runs(
    experiments: $experiments
    filter: $filter
    orderBy: $orderBy
    view: $view
    topLevel: $topLevel
    first: $first
    after: $after
  ) {
    edges {
      node {
        ...RunRow
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    fragment RunRow on Run {
  runId
  name
  status
  statusReason
  lifecycleStage
  startTime
  endTime
  userId
  createdBy
  experiment {
    experimentId
    name
    metricGoals {
      key
      goal
    }
  }
  params(keys: $params) {
    key
    value
  }
  tags(keys: $tags) {
    key
    value
  }
  metrics(keys: $metrics) {
    key
    nanCount
    last {
      value
    }
    min {
      value
    }
    max {
      value
    }
  }
}`),Fe=new R(`
    query RunCount($experiments: [ID!], $filter: String, $view: View, $topLevel: Boolean!) {
  runs(
    experiments: $experiments
    filter: $filter
    view: $view
    topLevel: $topLevel
    first: 1
  ) {
    totalCount
  }
}
    `),Ie=new R(`
    subscription RunsChanged($experiments: [ID!], $filter: String, $topLevel: Boolean!, $after: String, $params: [String!], $tags: [String!], $metrics: [String!]) {
  runsChanged(
    experiments: $experiments
    filter: $filter
    topLevel: $topLevel
    after: $after
    maxRate: 5
  ) {
    cursor
    changes {
      kind
      runId
      run {
        ...RunRow
      }
    }
  }
}
    fragment RunRow on Run {
  runId
  name
  status
  statusReason
  lifecycleStage
  startTime
  endTime
  userId
  createdBy
  experiment {
    experimentId
    name
    metricGoals {
      key
      goal
    }
  }
  params(keys: $params) {
    key
    value
  }
  tags(keys: $tags) {
    key
    value
  }
  metrics(keys: $metrics) {
    key
    nanCount
    last {
      value
    }
    min {
      value
    }
    max {
      value
    }
  }
}`);function Le(e){return e==null?NaN:Number(e)}function z(e,t=5){return e==null?``:typeof e==`number`?Number.isInteger(e)&&Math.abs(e)<0x38d7ea4c68000?String(e):e!==0&&(Math.abs(e)<1e-4||Math.abs(e)>=1e9)?e.toExponential(t-2).replace(/\.?0+e/,`e`):String(Number(e.toPrecision(t))):e===`Infinity`?`∞`:e===`-Infinity`?`−∞`:e}function Re(e){return e>0?`+${z(e,3)}`:z(e,3).replace(`-`,`−`)}function B(e){return e.toLocaleString(`en-US`)}function ze(e){let t=[`B`,`KiB`,`MiB`,`GiB`,`TiB`],n=0;for(;e>=1024&&n<t.length-1;)e/=1024,n++;return`${n===0||e>=100?Math.round(e):Number(e.toPrecision(3))} ${t[n]}`}var Be=e=>String(e).padStart(2,`0`);function V(e){let t=new Date(e);return`${t.getFullYear()}-${Be(t.getMonth()+1)}-${Be(t.getDate())} ${Be(t.getHours())}:${Be(t.getMinutes())}:${Be(t.getSeconds())}`}function Ve(e,t=Date.now()){let n=Math.round((t-new Date(e).getTime())/1e3);return n<-60?V(e):n<5?`just now`:n<60?`${n} s ago`:n<3600?`${Math.floor(n/60)} min ago`:n<86400?`${Math.floor(n/3600)} h ago`:n<2592e3?`${Math.floor(n/86400)} d ago`:V(e).slice(0,10)}function He(e){if(e<1e3)return`${Math.max(0,Math.round(e))} ms`;let t=e/1e3;if(t<60)return`${t.toFixed(1)} s`;let n=Math.floor(t/60);return n<60?`${n} min ${Math.floor(t%60)} s`:n<1440?`${Math.floor(n/60)} h ${n%60} min`:`${Math.floor(n/1440)} d ${Math.floor(n/60)%24} h`}var H=r(),Ue=300;function We({label:e,value:t,onChange:n,placeholder:r,className:i}){let[a,o]=(0,S.useState)(t),s=(0,S.useRef)(t),c=(0,S.useRef)(0);(0,S.useEffect)(()=>{t!==s.current&&(s.current=t,o(t))},[t]),(0,S.useEffect)(()=>()=>clearTimeout(c.current),[]);let l=e=>{clearTimeout(c.current),e!==s.current&&(s.current=e,n(e))};return(0,H.jsx)(`input`,{type:`search`,className:i,"aria-label":e,placeholder:r,value:a,spellCheck:!1,autoComplete:`off`,onChange:e=>{let t=e.target.value;o(t),clearTimeout(c.current),c.current=window.setTimeout(()=>l(t),Ue)},onKeyDown:e=>{e.key===`Enter`&&l(a)}})}function Ge(e){(0,S.useEffect)(()=>{document.title=e?`${e} · Cairn`:`Cairn`},[e])}var U={page:`ExperimentsPage_page`,head:`ExperimentsPage_head`,scroll:`ExperimentsPage_scroll`,name:`ExperimentsPage_name`,note:`ExperimentsPage_note`,running:`ExperimentsPage_running`,failed:`ExperimentsPage_failed`,time:`ExperimentsPage_time`},Ke=de,qe=fe,Je={created:[`newest first`,{field:`CREATED_AT`,direction:`DESC`}],name:[`by name`,{field:`NAME`,direction:`ASC`}],updated:[`last changed first`,{field:`UPDATED_AT`,direction:`DESC`}]},Ye=e=>e?`name ILIKE '%${e.replaceAll(`'`,`''`)}%'`:null;function Xe(e){let[t,n]=(0,S.useState)([]),[r,i]=(0,S.useState)(),[a,o]=(0,S.useState)(),[s,c]=(0,S.useState)(0),l=w(E),u=JSON.stringify(e);return(0,S.useEffect)(()=>{let e=!1;return N(Ke,JSON.parse(u)).then(({experiments:t})=>{e||(o(void 0),n(t.edges.map(e=>e.node)),i({total:t.totalCount,after:t.pageInfo.hasNextPage?t.pageInfo.endCursor??null:null}))},t=>{e||o(M(t))}),()=>{e=!0}},[u,l,s]),(0,S.useEffect)(()=>ie(qe,{},({runsChanged:e})=>(e.changes.length>0&&c(e=>e+1),e.cursor)),[l]),{list:t,page:r,problem:a,more:(0,S.useCallback)(async()=>{try{let{experiments:e}=await N(Ke,{...JSON.parse(u),after:r?.after??null});n(t=>[...t,...e.edges.map(e=>e.node)]),i({total:e.totalCount,after:e.pageInfo.hasNextPage?e.pageInfo.endCursor??null:null})}catch(e){o(M(e))}},[u,r])}}function Ze(){Ge(`Experiments`);let e=y({from:`/`}),n=t({from:`/`}),r=Je[e.sort??``]?e.sort??`created`:`created`,i=e.view===`deleted`,{list:a,page:o,problem:s,more:c}=Xe({filter:Ye(e.q??``),orderBy:Je[r]?.[1]??null,view:i?`DELETED`:`ACTIVE`}),l=o?.total!==void 0&&!e.q&&!i&&a.every(e=>e.all.totalCount===0);return(0,H.jsxs)(`div`,{className:U.page,children:[(0,H.jsxs)(`div`,{className:U.head,children:[(0,H.jsx)(`h1`,{children:`Experiments`}),(0,H.jsx)(`span`,{className:`quiet`,"aria-live":`polite`,children:o&&`${B(o.total)} ${o.total===1?`experiment`:`experiments`}`}),(0,H.jsx)(`span`,{className:`spring`}),(0,H.jsx)(We,{label:`Search experiments by name`,placeholder:`Search by name`,value:e.q??``,onChange:e=>n({search:t=>({...t,q:e||void 0}),replace:!0})}),(0,H.jsx)(`select`,{"aria-label":`Order`,value:r,onChange:e=>n({search:t=>({...t,sort:e.target.value===`created`?void 0:e.target.value})}),children:Object.entries(Je).map(([e,[t]])=>(0,H.jsx)(`option`,{value:e,children:t},e))}),(0,H.jsxs)(`label`,{className:`row`,children:[(0,H.jsx)(`input`,{type:`checkbox`,checked:i,onChange:e=>n({search:t=>({...t,view:e.target.checked?`deleted`:void 0})})}),` deleted`]})]}),s&&(0,H.jsx)(`p`,{className:`problem`,role:`alert`,children:s.message}),l&&(0,H.jsx)($e,{}),a.length>0&&(0,H.jsx)(`div`,{className:`card ${U.scroll}`,role:`region`,"aria-label":`List of experiments`,tabIndex:0,children:(0,H.jsxs)(`table`,{className:`plain`,children:[(0,H.jsx)(`thead`,{children:(0,H.jsxs)(`tr`,{children:[(0,H.jsx)(`th`,{scope:`col`,children:`Experiment`}),(0,H.jsx)(`th`,{scope:`col`,className:`num`,children:`Runs`}),(0,H.jsx)(`th`,{scope:`col`,children:`Running`}),(0,H.jsx)(`th`,{scope:`col`,children:`Failed`}),(0,H.jsx)(`th`,{scope:`col`,children:`Last run`}),(0,H.jsx)(`th`,{scope:`col`,children:`Made`})]})}),(0,H.jsx)(`tbody`,{children:a.map(e=>(0,H.jsx)(Qe,{experiment:e},e.experimentId))})]})}),o&&a.length===0&&!s&&(0,H.jsx)(`div`,{className:`empty`,children:(0,H.jsx)(`h2`,{children:`No experiment matches`})}),o?.after&&(0,H.jsx)(`p`,{children:(0,H.jsx)(`button`,{type:`button`,onClick:c,children:`Show more`})})]})}function Qe({experiment:e}){let t=e.tags.find(e=>e.key===`mlflow.note.content`)?.value,n=e.all.edges[0]?.node.startTime;return(0,H.jsxs)(`tr`,{children:[(0,H.jsxs)(`td`,{children:[(0,H.jsx)(s,{to:`/experiments/$experimentId`,params:{experimentId:e.experimentId},className:U.name,children:e.name}),t&&(0,H.jsx)(`div`,{className:`quiet ${U.note}`,children:t})]}),(0,H.jsx)(`td`,{className:`num`,children:B(e.all.totalCount)}),(0,H.jsx)(`td`,{children:e.running.totalCount>0&&(0,H.jsxs)(`span`,{className:U.running,children:[`▶ `,B(e.running.totalCount)]})}),(0,H.jsx)(`td`,{children:e.failed.totalCount>0&&(0,H.jsxs)(`span`,{className:U.failed,children:[`✕ `,B(e.failed.totalCount)]})}),(0,H.jsx)(`td`,{className:U.time,title:n&&V(n),children:n&&Ve(n)}),(0,H.jsx)(`td`,{className:U.time,title:`${V(e.createdAt)} by ${e.createdBy}`,children:V(e.createdAt).slice(0,10)})]})}function $e(){let e=new URL(document.baseURI),t=e.origin+e.pathname.replace(/\/$/,``);return(0,H.jsxs)(`div`,{className:`empty`,children:[(0,H.jsx)(`h2`,{children:`No run yet`}),(0,H.jsx)(`p`,{children:`Record a training without changing it:`}),(0,H.jsx)(`pre`,{tabIndex:0,children:`cairn exec --server ${t} -- python train.py`}),(0,H.jsxs)(`p`,{children:[`or let an MLflow client log here, with `,(0,H.jsxs)(`code`,{children:[`MLFLOW_TRACKING_URI=`,t]}),`.`]})]})}var et=C([]),tt=12e3,nt=0;function rt(e){et.set(et.get().filter(t=>t.id!==e))}function W(e,t={}){let n=++nt;et.set([...et.get().slice(-3),{id:n,text:e,...t}]),setTimeout(()=>rt(n),tt)}var it=[`last`,`min`,`max`,`best`],G=[{key:`run_name`,title:`Run`,width:230,sortable:!0},{key:`status`,title:`Status`,width:104,sortable:!0},{key:`start_time`,title:`Started`,width:118,sortable:!0},{key:`duration`,title:`Took`,width:104,sortable:!1},{key:`end_time`,title:`Ended`,width:118,sortable:!0},{key:`experiment`,title:`Experiment`,width:150,sortable:!1},{key:`user_id`,title:`User`,width:110,sortable:!0},{key:`created_by`,title:`Recorded by`,width:130,sortable:!0},{key:`run_id`,title:`Run id`,width:270,sortable:!0}],K={metric:`metrics.`,param:`params.`,tag:`tags.`};function q(e,t,n=`last`){if(e===`attribute`)return t;let r=K[e]+t;return e===`metric`&&n!==`last`?`${n}(${r})`:r}function at(e){let t=/^(min|max|best)\((.*)\)$/s.exec(e),n=t?t[2]??``:e;for(let r of[`metric`,`param`,`tag`])if(n.startsWith(K[r])&&n.length>K[r].length&&(!t||r===`metric`))return{id:e,kind:r,key:n.slice(K[r].length),aggregate:t?.[1]??`last`};return!t&&G.some(t=>t.key===e)?{id:e,kind:`attribute`,key:e,aggregate:`last`}:void 0}function ot(e){if(e.kind===`attribute`)return e.key;let t=/^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/.test(e.key)?e.key:`\`${e.key.replaceAll("`","``")}\``,n=K[e.kind]+t;return e.kind===`metric`&&e.aggregate!==`last`?`${e.aggregate}(${n})`:n}function st(e){return e.kind!==`attribute`||(G.find(t=>t.key===e.key)?.sortable??!1)}function ct(e){return e.kind===`attribute`?G.find(t=>t.key===e.key)?.title??e.key:e.key}function lt(e){if(e.kind===`attribute`)return``;let t={metric:`Metrics`,param:`Params`,tag:`Tags`}[e.kind],n=Math.max(e.key.lastIndexOf(`/`),e.key.lastIndexOf(`.`));return n>0?`${t} · ${e.key.slice(0,n)}`:t}function ut(e){if(e.kind===`attribute`)return ct(e);let t=Math.max(e.key.lastIndexOf(`/`),e.key.lastIndexOf(`.`)),n=t>0&&t<e.key.length-1?e.key.slice(t+1):e.key;return e.aggregate===`last`?n:`${e.aggregate} ${n}`}function dt(e){return e.kind===`attribute`?G.find(t=>t.key===e.key)?.width??120:Math.min(220,Math.max(96,ut(e).length*7.5+40))}function ft(e){return e.kind===`metric`}var J={panel:`ColumnsPanel_panel`,head:`ColumnsPanel_head`,search:`ColumnsPanel_search`,list:`ColumnsPanel_list`,group:`ColumnsPanel_group`,choice:`ColumnsPanel_choice`,key:`ColumnsPanel_key`,range:`ColumnsPanel_range`,more:`ColumnsPanel_more`,pin:`ColumnsPanel_pin`},pt=Ne;async function mt(e,t=``){let{runFacets:n}=await N(pt,{experiments:e,prefix:t}),r=(e,t)=>t.edges.map(({node:t})=>({kind:e,key:t.key,runs:t.runs,min:t.min??null,max:t.max??null}));return{runs:n.runs,keys:[...r(`metric`,n.metrics),...r(`param`,n.params),...r(`tag`,n.tags)],more:[n.metrics,n.params,n.tags].some(e=>e.pageInfo.hasNextPage)}}var ht=6,gt=8;function _t(e,t){let n=e=>e.runs*(e.min!==e.max||e.min===null?2:1),r=(t,r)=>e.keys.filter(e=>e.kind===t&&!e.key.startsWith(`system/`)).sort((e,t)=>n(t)-n(e)||(e.key<t.key?-1:1)).slice(0,r).sort((e,t)=>e.key<t.key?-1:1).map(e=>q(e.kind,e.key));return[`status`,`start_time`,`duration`,...t?[`experiment`]:[],...r(`metric`,ht),...r(`param`,gt)].map(at).filter(e=>e!==void 0)}var vt=300,yt=[[`attribute`,`Attributes`],[`metric`,`Metrics`],[`param`,`Params`],[`tag`,`Tags`]];function bt({columns:e,pinned:t,experiments:n,found:r,onColumns:i,onPinned:a,onReset:o,onClose:s}){let[c,l]=(0,S.useState)(``),[u,d]=(0,S.useState)();(0,S.useEffect)(()=>{let e=!1;return c&&r?.more&&mt(n,c).then(t=>{e||d({prefix:c,found:t})},()=>{}),()=>{e=!0}},[c,r,n]);let f=(0,S.useMemo)(()=>new Set(e.map(e=>e.id)),[e]),p=(0,S.useMemo)(()=>{let e=G.filter(e=>e.key!==`run_name`).map(e=>({kind:`attribute`,key:e.key,runs:0,min:null,max:null})),t=new Set;for(let n of[...r?.keys??[],...u&&c.startsWith(u.prefix)?u.found.keys:[]]){let r=q(n.kind,n.key);t.has(r)||e.push(n),t.add(r)}let n=c.toLowerCase();return e.filter(e=>e.key.toLowerCase().includes(n))},[r,u,c]),m=(t,n,r)=>{let a=q(t.kind,t.key,n);i(r?[...e.map(e=>e.id),a]:e.map(e=>e.id).filter(e=>e!==a))};return(0,H.jsxs)(`aside`,{className:J.panel,"aria-label":`Columns`,onKeyDown:e=>{e.key===`Escape`&&s()},children:[(0,H.jsxs)(`div`,{className:J.head,children:[(0,H.jsx)(`h2`,{children:`Columns`}),(0,H.jsx)(`span`,{className:`spring`}),(0,H.jsx)(`button`,{type:`button`,onClick:o,children:`Reset`}),(0,H.jsx)(`button`,{type:`button`,className:`plain`,"aria-label":`Close columns`,onClick:s,children:`✕`})]}),(0,H.jsx)(We,{label:`Search columns`,placeholder:`Search keys`,value:c,onChange:l,className:J.search}),(0,H.jsxs)(`div`,{className:J.list,tabIndex:0,role:`region`,"aria-label":`All columns`,children:[yt.map(([e,n])=>{let r=p.filter(t=>t.kind===e);return r.length===0?null:(0,H.jsxs)(`fieldset`,{className:J.group,children:[(0,H.jsx)(`legend`,{children:n}),r.slice(0,vt).map(e=>(0,H.jsx)(xt,{facet:e,chosen:f,pinned:t,set:m,onPinned:a},e.key)),r.length>vt&&(0,H.jsxs)(`p`,{className:`quiet`,children:[B(r.length-vt),` more: search for them`]})]},e)}),r?.more&&!c&&(0,H.jsx)(`p`,{className:`quiet`,children:`There are more keys: a search finds those that begin with it.`}),p.length===0&&(0,H.jsx)(`p`,{className:`quiet`,children:`No key matches.`})]})]})}function xt({facet:e,chosen:t,pinned:n,set:r,onPinned:i}){let a=q(e.kind,e.key),o=e.kind===`attribute`?G.find(t=>t.key===e.key)?.title:e.key,s=e.min!==null&&e.max!==null&&e.kind!==`tag`?`${z(e.min,3)} … ${z(e.max,3)}`:``,c=n.includes(a);return(0,H.jsxs)(`div`,{className:J.choice,children:[(0,H.jsxs)(`label`,{children:[(0,H.jsx)(`input`,{type:`checkbox`,checked:t.has(a),onChange:t=>r(e,`last`,t.target.checked)}),(0,H.jsx)(`span`,{className:J.key,children:o}),e.runs>0&&(0,H.jsx)(`span`,{className:J.range,children:s||`${B(e.runs)} runs`})]}),t.has(a)&&(0,H.jsx)(`button`,{type:`button`,className:J.pin,"aria-pressed":c,"aria-label":`Pin ${o}`,onClick:()=>i(c?n.filter(e=>e!==a):[...n,a]),children:`pin`}),e.kind===`metric`&&(0,H.jsx)(`span`,{className:J.more,role:`group`,"aria-label":`Values of ${e.key}`,children:it.filter(e=>e!==`last`).map(n=>{let i=t.has(q(`metric`,e.key,n));return(0,H.jsx)(`button`,{type:`button`,"aria-pressed":i,onClick:()=>r(e,n,!i),children:n},n)})})]})}function St(e,t,n){let r=URL.createObjectURL(new Blob([e],{type:t})),i=document.createElement(`a`);i.href=r,i.download=n.replace(/[/\\:*?"<>|]/g,`_`),i.click(),setTimeout(()=>URL.revokeObjectURL(r),6e4)}var Ct=Pe,wt=Fe,Tt=Ie,Y=100,Et=500,Dt=1500,Ot=1600,kt=1e3;function At(e,t){let n=new Map(e.params.map(e=>[e.key,e.value])),r=new Map(e.tags.map(e=>[e.key,e.value])),i=new Map(e.metrics.map(e=>[e.key,e])),a=new Map(e.experiment.metricGoals.map(({key:e,goal:t})=>[e,t])),o=new Map;for(let s of t){let t;if(s.kind===`param`)t=n.get(s.key);else if(s.kind===`tag`)t=r.get(s.key);else if(s.kind===`metric`){let e=i.get(s.key),n=a.get(s.key);e&&(s.aggregate===`min`||s.aggregate===`best`&&n===`MINIMIZE`?t=e.min?.value:s.aggregate===`max`||s.aggregate===`best`&&n===`MAXIMIZE`?t=e.max?.value:s.aggregate===`last`&&(t=e.last.value))}else t=jt(e,s.key);o.set(s.id,t)}return{run:e,cells:o}}function jt(e,t){switch(t){case`run_name`:return e.name;case`run_id`:return e.runId;case`status`:return e.status;case`start_time`:return e.startTime;case`end_time`:return e.endTime??void 0;case`duration`:return e.endTime?He(Date.parse(e.endTime)-Date.parse(e.startTime)):void 0;case`experiment`:return e.experiment.name;case`user_id`:return e.userId;case`created_by`:return e.createdBy;default:return}}var Mt=class{criteria;rows=[];index=new Map;snapshot={rows:[],total:void 0,done:!1,loading:!0,problem:void 0,changed:new Set};listeners=new Set;after=null;wanted=0;running=!1;ended=!1;touched=new Set;timers=new Map;unfollow=()=>{};constructor(e){this.criteria=e}start(){return this.ended=!1,this.criteria.deleted||this.listen(),this.recount(),this.load(),()=>{this.ended=!0,this.unfollow();for(let e of this.timers.values())clearTimeout(e);this.timers.clear()}}get=()=>this.snapshot;subscribe=e=>(this.listeners.add(e),()=>this.listeners.delete(e));need(e){e<this.wanted||(this.wanted=e+1,this.load())}drop(e){this.index.delete(e)&&(this.rows=this.rows.filter(t=>t.run.runId!==e),this.tell({total:this.snapshot.total===void 0?void 0:this.snapshot.total-1}),this.later(`count`,Dt,()=>this.recount()))}refresh(){this.reorder(),this.recount()}get selection(){let e=e=>[...new Set(this.criteria.columns.filter(t=>t.kind===e).map(e=>e.key))];return{params:e(`param`),tags:e(`tag`),metrics:e(`metric`)}}get question(){let{experiments:e,filter:t,deleted:n,topLevel:r}=this.criteria;return{experiments:e,filter:t,topLevel:r,view:n?`DELETED`:`ACTIVE`}}tell(e){if(!this.ended){this.snapshot={...this.snapshot,rows:this.rows,...e};for(let e of this.listeners)e()}}later(e,t,n){this.timers.has(e)||this.ended||this.timers.set(e,window.setTimeout(()=>{this.timers.delete(e),n()},t))}async load(){if(!(this.running||this.ended)){this.running=!0;try{for(;!this.ended&&!this.snapshot.done&&(this.rows.length===0||this.rows.length<this.wanted+Y/2);){this.tell({loading:!0}),this.touched=new Set;let e=this.rows.length===0?Y:Math.min(Et,Math.max(Y,this.wanted-this.rows.length)),{runs:t}=await N(Ct,{...this.question,...this.selection,orderBy:this.criteria.orderBy,first:e,after:this.after});if(this.ended)return;let n=[];for(let{node:e}of t.edges){if(this.index.has(e.runId)||this.touched.has(e.runId))continue;let t=At(e,this.criteria.columns);this.index.set(e.runId,t),n.push(t)}this.rows=[...this.rows,...n],this.after=t.pageInfo.endCursor??null,this.tell({done:!t.pageInfo.hasNextPage,loading:!1,problem:void 0})}}catch(e){this.tell({problem:M(e),loading:!1})}finally{this.running=!1}}}async recount(){try{let{runs:e}=await N(wt,this.question);this.tell({total:e.totalCount})}catch{}}listen(){let{experiments:e,filter:t,topLevel:n,columns:r}=this.criteria;this.unfollow=ie(Tt,{experiments:e,filter:t,topLevel:n,...this.selection},({runsChanged:e})=>{if(e.changes.length>0){let t=new Set(this.snapshot.changed);for(let{runId:n,run:i}of e.changes)this.touched.add(n),t.add(n),i?this.put(At(i,r)):this.index.delete(n)&&(this.rows=this.rows.filter(e=>e.run.runId!==n));this.tell({changed:t}),this.later(`flash`,Ot,()=>this.tell({changed:new Set})),this.later(`count`,Dt,()=>this.recount()),this.criteria.orderBy&&this.later(`order`,kt,()=>void this.reorder())}return e.cursor},e=>{e.code===`INVALID_ARGUMENT`&&e.field===`after`&&(this.unfollow(),this.listen(),this.refresh())})}put(e){let{runId:t}=e.run;if(this.index.has(t))this.rows=this.rows.map(n=>n.run.runId===t?e:n);else if(this.criteria.orderBy)return;else{let t=this.rows.findIndex(t=>t.run.startTime<=e.run.startTime);if(t<0&&!this.snapshot.done)return;this.rows=t<0?[...this.rows,e]:[...this.rows.slice(0,t),e,...this.rows.slice(t)]}this.index.set(t,e)}async reorder(){if(this.running)this.later(`order`,kt,()=>void this.reorder());else{this.running=!0;try{let e=[],t=Math.max(this.wanted,Y),n=null,r=!0;for(;r&&e.length<t;){let{runs:i}=await N(Ct,{...this.question,...this.selection,orderBy:this.criteria.orderBy,first:Math.min(Et,Math.max(Y,t-e.length)),after:n});if(this.ended)return;for(let{node:t}of i.edges)e.push(At(t,this.criteria.columns));n=i.pageInfo.endCursor??null,r=i.pageInfo.hasNextPage}this.rows=e,this.index=new Map(e.map(e=>[e.run.runId,e])),this.after=n,this.tell({done:!r,problem:void 0})}catch(e){this.tell({problem:M(e)})}finally{this.running=!1}}}};async function Nt(e,t){let n=t=>[...new Set(e.columns.filter(e=>e.kind===t).map(e=>e.key))],r=null;for(;;){let{runs:i}=await N(Ct,{experiments:e.experiments,filter:e.filter,orderBy:e.orderBy,topLevel:e.topLevel,view:e.deleted?`DELETED`:`ACTIVE`,first:Et,after:r,params:n(`param`),tags:n(`tag`),metrics:n(`metric`)});if(!t(i.edges.map(({node:t})=>At(t,e.columns)))||!i.pageInfo.hasNextPage)return;r=i.pageInfo.endCursor??null}}function Pt(e){if(e===void 0)return``;let t=String(e);return typeof e==`string`&&/^[=+\-@\t\r]/.test(t)&&Number.isNaN(Number(t))&&(t=`'${t}`),/[",\n\r]/.test(t)?`"${t.replaceAll(`"`,`""`)}"`:t}async function Ft(e,t,n){let r=[[`run_id`,`run_name`,...t.map(e=>e.kind===`attribute`?e.key:ot(e))].map(Pt).join(`,`)];try{await Nt(e,e=>{for(let{run:n,cells:i}of e)r.push([n.runId,n.name,...t.map(e=>i.get(e.id))].map(Pt).join(`,`));return!0}),St(`${r.join(`\r
`)}\r\n`,`text/csv`,`${n||`runs`}.csv`)}catch(e){W(M(e).message,{bad:!0})}}var It={box:`FilterBox_box`,field:`FilterBox_field`,list:`FilterBox_list`,problem:`FilterBox_problem`,where:`FilterBox_where`};function Lt(e){return{q:I(e.q)?.trim(),sort:I(e.sort),col:L(e.col),pin:L(e.pin),base:I(e.base),view:I(e.view),top:I(e.top),differ:I(e.differ),group:L(e.group)}}function Rt(e){let t=/^(.*) (ASC|DESC)$/s.exec(e??``),n=t?.[1]?at(t[1]):void 0;return n&&st(n)?{column:n,descending:t?.[2]===`DESC`}:void 0}function zt(e){return e&&`${e.column.id} ${e.descending?`DESC`:`ASC`}`}function Bt(e){return e?[`${ot(e.column)} ${e.descending?`DESC`:`ASC`}`]:null}function Vt(e,t){let n=t.kind===`metric`||t.key===`start_time`||t.key===`end_time`;return e?.column.id===t.id?e.descending===n?{column:t,descending:!n}:void 0:{column:t,descending:n}}function Ht(e){let t=/^(?:filter|order_?by|orderBy)[^:]*: at (\d+):/i.exec(e);return t?.[1]?Number(t[1]):void 0}var Ut=12,Wt=[`AND`,`OR`,`NOT`,`IN (`,`LIKE '%%'`,`ILIKE '%%'`,`IS NULL`,`IS NOT NULL`];function Gt(e,t){let n=e.slice(0,t),r=/[^\s()<>=!,]*$/.exec(n);return{from:t-(r?.[0].length??0),word:r?.[0]??``}}function Kt(e,t){let n=e.toLowerCase();if(!n)return[];let r=[...(t?.keys??[]).map(e=>at(q(e.kind,e.key))).filter(e=>e!==void 0).map(ot),...G.filter(e=>e.sortable).map(e=>e.key),`experiment_id`,`parent_run_id`,`dataset.name`,`dataset.digest`,...Wt],i=r.filter(e=>e.toLowerCase().startsWith(n)),a=r.filter(e=>!e.toLowerCase().startsWith(n)&&e.toLowerCase().includes(n));return[...i,...a].filter(t=>t!==e).slice(0,Ut)}function qt({value:e,onChange:t,problem:n,found:r}){let[i,a]=(0,S.useState)(e),[o,s]=(0,S.useState)(),[c,l]=(0,S.useState)(-1),u=(0,S.useRef)(null),d=(0,S.useRef)(void 0),f=(0,S.useId)();(0,S.useEffect)(()=>a(e),[e]),(0,S.useLayoutEffect)(()=>{d.current!==void 0&&u.current?.setSelectionRange(d.current,d.current),d.current=void 0});let{from:p,word:m}=Gt(i,o??0),h=(0,S.useMemo)(()=>o===void 0?[]:Kt(m,r),[o,m,r]),g=()=>{s(void 0),l(-1)},_=e=>{let t=`${i.slice(0,p)}${e}${i.slice(o??p).replace(/^\s?/,` `)}`;a(t),g();let n=p+e.length+(e.endsWith(`'`)?-2:+!e.endsWith(`(`));d.current=n},v=e=>{if(e.key===`ArrowDown`&&h.length>0)l((c+1)%h.length);else if(e.key===`ArrowUp`&&h.length>0)l((c+h.length-1)%h.length);else if((e.key===`Enter`||e.key===`Tab`)&&c>=0&&h[c])_(h[c]);else if(e.key===`Escape`&&o!==void 0&&h.length>0)g(),e.stopPropagation();else if(e.key===`Enter`){g(),t(i.trim());return}else return;e.preventDefault()},y=n&&n.field===`filter`&&i.trim()===e?Ht(n.message):void 0,b=[...i],x=n&&i.trim()===e?n.message.replace(/^filter: (at \d+: )?/,``):``;return(0,H.jsxs)(`div`,{className:It.box,children:[(0,H.jsx)(`input`,{ref:u,"data-filter":!0,className:It.field,type:`text`,role:`combobox`,"aria-label":`Filter`,"aria-expanded":h.length>0,"aria-controls":`${f}-list`,"aria-activedescendant":c>=0?`${f}-${c}`:void 0,"aria-autocomplete":`list`,"aria-invalid":x!==``,"aria-describedby":x?`${f}-problem`:void 0,placeholder:`metrics.accuracy > 0.9 AND params.max_depth = 3`,value:i,spellCheck:!1,autoComplete:`off`,onChange:e=>{a(e.target.value),s(e.target.selectionStart??e.target.value.length),l(-1)},onKeyDown:v,onBlur:()=>{g(),i.trim()!==e&&t(i.trim())}}),(0,H.jsx)(`ul`,{id:`${f}-list`,role:`listbox`,"aria-label":`Completions`,className:It.list,hidden:h.length===0,children:h.map((e,t)=>(0,H.jsx)(`li`,{id:`${f}-${t}`,role:`option`,"aria-selected":t===c,onMouseDown:t=>{t.preventDefault(),_(e)},children:e},e))}),x&&(0,H.jsxs)(`div`,{id:`${f}-problem`,role:`alert`,className:It.problem,children:[y!==void 0&&(0,H.jsxs)(`pre`,{className:It.where,"aria-hidden":`true`,children:[b.slice(0,y-1).join(``),(0,H.jsx)(`mark`,{children:b.slice(y-1).join(``)||` `})]}),y!==void 0&&(0,H.jsxs)(`span`,{children:[`At character `,y,`: `]}),x]})]})}var Jt={status:`RunStatus_status`},Yt={RUNNING:`▶`,SCHEDULED:`◷`,FINISHED:`✓`,FAILED:`✕`,KILLED:`■`};function Xt({status:e,reason:t}){return(0,H.jsxs)(`span`,{className:Jt.status,"data-status":e,title:t,children:[(0,H.jsx)(`span`,{"aria-hidden":`true`,children:Yt[e]??`?`}),` `,e.toLowerCase()]})}var X={grid:`Grid_grid`,head:`Grid_head`,headRow:`Grid_headRow`,corner:`Grid_corner`,headCell:`Grid_headCell`,sort:`Grid_sort`,group:`Grid_group`,body:`Grid_body`,row:`Grid_row`,changed:`Grid_changed`,name:`Grid_name`,base:`Grid_base`,cell:`Grid_cell`,none:`Grid_none`,differs:`Grid_differs`,delta:`Grid_delta`,waiting:`Grid_waiting`},Zt=32,Qt=56,$t=36,en=230,tn=150;function nn(e){let{rows:n,total:r,columns:i,pinned:a,sort:o,onSort:s,selected:c,onSelect:l,need:u}=e,d=(0,S.useRef)(null),f=t(),[p,m]=(0,S.useState)({row:0,column:0}),[h,g]=(0,S.useState)(0),v=on(d),y=v?tn:en,{fixed:b,free:x,freeLeft:ee,fullWidth:C}=(0,S.useMemo)(()=>{let e=[...i.filter(e=>a.includes(e.id)),...i.filter(e=>!a.includes(e.id))],t=$t+y,n=e.map((e,n)=>{let r={column:e,index:n+1,left:t,width:dt(e)};return t+=r.width,r}),r=v?0:e.filter(e=>a.includes(e.id)).length;return{fixed:n.slice(0,r),free:n.slice(r),freeLeft:n[r]?.left??t,fullWidth:t}},[i,a,y,v]),w=_({count:r,getScrollElement:()=>d.current,estimateSize:()=>Zt,overscan:8,scrollMargin:0,scrollPaddingStart:Qt}),T=_({horizontal:!0,count:x.length,getScrollElement:()=>d.current,estimateSize:e=>x[e]?.width??100,overscan:2,paddingStart:ee,scrollPaddingStart:ee});(0,S.useEffect)(()=>T.measure(),[T,x]);let te=w.getVirtualItems(),E=T.getVirtualItems(),D=E[0]?.index??0,O=E.at(-1)?.index??-1,k=(0,S.useMemo)(()=>[...b,...x.slice(D,O+1)],[b,x,D,O]),A=te.at(-1)?.index??0;(0,S.useEffect)(()=>u(A),[u,A,n]);let j=i.length+1,M=(0,S.useCallback)((e,t)=>{let n={row:Math.max(-1,Math.min(r-1,e)),column:Math.max(0,Math.min(j-1,t))};m(n),n.row>=0&&w.scrollToIndex(n.row,{align:`auto`});let i=n.column-1-b.length;return i>=0&&T.scrollToIndex(i,{align:`auto`}),n},[r,j,w,T,b.length]),N=(0,S.useCallback)((e,t)=>{let r=new Set(c),i=n[e];if(i){if(t)for(let t=Math.min(h,e);t<=Math.max(h,e);t++){let e=n[t];e&&r.add(e.run.runId)}else r.delete(i.run.runId)||r.add(i.run.runId);g(e),l(r)}},[n,c,l,h]),P=e=>{if(e.altKey||e.metaKey||e.target!==e.currentTarget)return;let t=Math.max(1,Math.floor(((d.current?.clientHeight??400)-Qt)/Zt)-1),{row:i,column:a}=p,o={ArrowDown:()=>M(i+1,a),ArrowUp:()=>M(i-1,a),j:()=>M(i+1,a),k:()=>M(i-1,a),ArrowRight:()=>M(i,a+1),ArrowLeft:()=>M(i,a-1),PageDown:()=>M(i+t,a),PageUp:()=>M(Math.max(0,i-t),a),Home:()=>M(e.ctrlKey?0:i,0),End:()=>M(e.ctrlKey?r-1:i,e.ctrlKey?a:j-1),x:()=>N(i,!1)," ":()=>N(i,e.shiftKey),Enter:()=>{let e=[...b,...x][a-1];i<0?e?st(e.column)&&s(e.column):s({id:`run_name`,kind:`attribute`,key:`run_name`,aggregate:`last`}):n[i]&&f({to:`/runs/$runId`,params:{runId:n[i].run.runId}})}}[e.key];if(!(!o||e.ctrlKey&&e.key.length===1)){if(e.preventDefault(),e.stopPropagation(),e.shiftKey&&(e.key===`ArrowDown`||e.key===`ArrowUp`)){let t=M(i+(e.key===`ArrowDown`?1:-1),a),r=new Set(c);for(let e of[i,t.row]){let t=n[e];t&&r.add(t.run.runId)}l(r)}else o()}},ne=p.row<r?an(p.row,p.column):void 0;return(0,H.jsxs)(`div`,{ref:d,className:X.grid,role:`grid`,tabIndex:0,"aria-label":e.label,"aria-rowcount":r+1,"aria-colcount":j,"aria-multiselectable":`true`,"aria-activedescendant":ne,onKeyDown:P,children:[(0,H.jsx)(`div`,{className:X.head,role:`rowgroup`,style:{width:C},children:(0,H.jsxs)(`div`,{role:`row`,"aria-rowindex":1,className:X.headRow,children:[(0,H.jsxs)(`div`,{role:`columnheader`,id:an(-1,0),"aria-colindex":1,"aria-sort":o?.column.id===`run_name`?o.descending?`descending`:`ascending`:`none`,className:X.corner,"data-active":p.row===-1&&p.column===0||void 0,style:{width:$t+y},children:[(0,H.jsx)(`input`,{type:`checkbox`,tabIndex:-1,"aria-label":`Select all runs that are loaded`,checked:n.length>0&&c.size>=n.length,onChange:e=>l(new Set(e.target.checked?n.map(e=>e.run.runId):[]))}),(0,H.jsx)(sn,{column:rn,sort:o,onSort:s})]}),k.map((e,t)=>(0,H.jsx)(cn,{place:e,sort:o,onSort:s,active:p.row===-1&&p.column===e.index,stays:t<b.length,heads:t===0||lt(e.column)!==lt(k[t-1].column)},e.column.id))]})}),(0,H.jsx)(`div`,{className:X.body,role:`rowgroup`,style:{width:C,height:w.getTotalSize()},children:te.map(t=>{let r=n[t.index];return(0,H.jsx)(ln,{row:r,index:t.index,shown:k,stays:b.length,width:C,name:y,active:p.row===t.index?p.column:-1,selected:r!==void 0&&c.has(r.run.runId),changed:r!==void 0&&e.changed.has(r.run.runId),base:e.base,toggle:N,activate:m},r?.run.runId??t.index)})})]})}var rn={id:`run_name`,kind:`attribute`,key:`run_name`,aggregate:`last`},an=(e,t)=>`cell-${e}-${t}`;function on(e){let[t,n]=(0,S.useState)(!1);return(0,S.useEffect)(()=>{let t=e.current;if(!t)return;let r=new ResizeObserver(()=>n(t.clientWidth<600));return r.observe(t),()=>r.disconnect()},[e]),t}function sn({column:e,sort:t,onSort:n}){let r=t?.column.id===e.id,i=(0,H.jsxs)(H.Fragment,{children:[ut(e),r&&(0,H.jsx)(`span`,{"aria-hidden":`true`,children:t.descending?` ↓`:` ↑`})]});return st(e)?(0,H.jsx)(`button`,{type:`button`,tabIndex:-1,className:X.sort,onClick:()=>n(e),children:i}):(0,H.jsx)(`span`,{className:X.sort,children:i})}function cn({place:e,sort:t,onSort:n,active:r,stays:i,heads:a}){let{column:o}=e,s=t?.column.id===o.id?t.descending?`descending`:`ascending`:`none`;return(0,H.jsxs)(`div`,{role:`columnheader`,id:an(-1,e.index),"aria-colindex":e.index+1,"aria-sort":st(o)?s:void 0,className:X.headCell,"data-active":r||void 0,"data-stays":i||void 0,"data-numeric":ft(o)||void 0,title:o.kind===`attribute`?ct(o):ot(o),style:i?{width:e.width,left:e.left}:{width:e.width,transform:`translateX(${e.left}px)`},children:[(0,H.jsx)(`span`,{className:X.group,children:a?lt(o):``}),(0,H.jsx)(sn,{column:o,sort:t,onSort:n})]})}var ln=(0,S.memo)(function({row:e,index:t,shown:n,stays:r,width:i,name:a,active:o,selected:c,changed:l,base:u,toggle:d,activate:f}){let p={transform:`translateY(${t*Zt}px)`,width:i};return(0,H.jsxs)(`div`,{role:`row`,"aria-rowindex":t+2,"aria-selected":c,className:X.row,"data-changed":l||void 0,style:p,children:[(0,H.jsx)(`div`,{role:`gridcell`,"aria-colindex":1,id:an(t,0),className:X.name,"data-active":o===0||void 0,style:{width:$t+a},children:e?(0,H.jsxs)(H.Fragment,{children:[(0,H.jsx)(`input`,{type:`checkbox`,tabIndex:-1,"aria-label":`Select ${e.run.name}`,checked:c,onClick:e=>d(t,e.shiftKey),onChange:()=>{}}),(0,H.jsx)(s,{to:`/runs/$runId`,params:{runId:e.run.runId},tabIndex:-1,title:e.run.name,children:e.run.name||e.run.runId}),u?.run.runId===e.run.runId&&(0,H.jsx)(`span`,{className:X.base,children:`baseline`})]}):(0,H.jsx)(`span`,{className:X.waiting})}),n.map((n,i)=>{let a=e?.cells.get(n.column.id);return(0,H.jsx)(`div`,{role:`gridcell`,"aria-colindex":n.index+1,id:an(t,n.index),className:X.cell,"data-active":o===n.index||void 0,"data-stays":i<r||void 0,"data-numeric":ft(n.column)||void 0,title:a===void 0?void 0:n.column.key===`start_time`||n.column.key===`end_time`?V(String(a)):String(a),style:i<r?{left:n.left,width:n.width}:{transform:`translateX(${n.left}px)`,width:n.width},onMouseDown:()=>f({row:t,column:n.index}),children:e&&(0,H.jsx)(un,{column:n.column,row:e,value:a,base:u&&u!==e?u.cells.get(n.column.id):void 0})},n.column.id)})]})});function un({column:e,row:t,value:n,base:r}){if(e.kind===`attribute`)return e.key===`status`?(0,H.jsx)(Xt,{status:t.run.status,reason:t.run.statusReason}):(e.key===`start_time`||e.key===`end_time`)&&n!==void 0?(0,H.jsx)(H.Fragment,{children:Ve(String(n))}):(0,H.jsx)(H.Fragment,{children:n});if(n===void 0)return(0,H.jsx)(`span`,{className:X.none,"aria-label":`none`,children:`–`});if(e.kind!==`metric`)return(0,H.jsx)(`span`,{className:r!==void 0&&r!==n?X.differs:void 0,children:n});let i=r===void 0?NaN:Le(n)-Le(r);return(0,H.jsxs)(H.Fragment,{children:[z(n),Number.isFinite(i)&&i!==0&&(0,H.jsx)(`span`,{className:X.delta,children:Re(i)})]})}var Z={page:`RunsPage_page`,head:`RunsPage_head`,tools:`RunsPage_tools`,note:`RunsPage_note`,actions:`RunsPage_actions`,body:`RunsPage_body`,compare:`RunsPage_compare`},dn=Ae,fn=je,pn=Me;function mn(){let e=y({from:`/runs`}),n=t({from:`/runs`}),r=(0,S.useCallback)((e,t=!1)=>void n({search:t=>({...t,...e}),replace:t}),[n]);return(0,H.jsx)(yn,{search:e,set:r,experimentId:void 0})}function hn(){let{experimentId:e}=x({from:`/experiments/$experimentId`}),n=y({from:`/experiments/$experimentId`}),r=t({from:`/experiments/$experimentId`}),i=(0,S.useCallback)((e,t=!1)=>void r({search:t=>({...t,...e}),replace:t}),[r]);return(0,H.jsx)(yn,{search:n,set:i,experimentId:e},e)}function gn(e){let[t,n]=(0,S.useState)(),r=w(E);return(0,S.useEffect)(()=>{let t=!1;return mt(e).then(e=>{t||n(e)},()=>{t||n({runs:0,keys:[],more:!1})}),()=>{t=!0}},[e,r]),t}function _n(e){let t=w(E),n=(0,S.useMemo)(()=>({secret:t,list:e&&new Mt(e)}).list,[e,t]);(0,S.useEffect)(()=>n?.start(),[n]);let[r,i]=(0,S.useMemo)(()=>[n?.subscribe??(()=>()=>{}),n?.get??(()=>void 0)],[n]);return{list:n,snapshot:(0,S.useSyncExternalStore)(r,i)}}function vn(e,t){return e.filter(e=>{if(e.kind===`attribute`)return!0;let n=t[0]?.cells.get(e.id);return t.some(t=>t.cells.get(e.id)!==n)})}function yn({search:e,set:t,experimentId:n}){let r=(0,S.useMemo)(()=>n===void 0?null:[n],[n]),[i,a]=(0,S.useState)(),o=w(E);(0,S.useEffect)(()=>{let e=!1;return N(dn,{id:n??`0`}).then(({experiment:t,viewer:r})=>{e||a({name:t?.name??``,mayEdit:r.role!==`VIEWER`,missing:n!==void 0&&!t})},()=>{}),()=>{e=!0}},[n,o]);let c=n===void 0?`All runs`:i?.name??`Experiment ${n}`;Ge(c);let l=gn(r),u=e.col?.join(`
`),d=(0,S.useMemo)(()=>u===void 0?l&&_t(l,n===void 0):u.split(`
`).map(at).filter(e=>e!==void 0),[u,l,n]),f=(0,S.useMemo)(()=>Rt(e.sort),[e.sort]),p=(0,S.useMemo)(()=>d&&{experiments:r,columns:d,filter:e.q??null,orderBy:Bt(Rt(e.sort)),deleted:e.view===`deleted`,topLevel:e.top===`1`},[d,r,e.q,e.sort,e.view,e.top]),{list:m,snapshot:h}=_n(p),[g,_]=(0,S.useState)(!1),[v,y]=(0,S.useState)(new Set),b=(0,S.useCallback)(e=>m?.need(e),[m]),x=(0,S.useMemo)(()=>h?.rows??[],[h]),ee=(0,S.useMemo)(()=>e.pin??[],[e.pin]),C=(0,S.useMemo)(()=>e.differ===`1`?vn(d??[],x):d??[],[e.differ,d,x]),T=(0,S.useMemo)(()=>x.find(t=>t.run.runId===e.base),[x,e.base]),te=h?Math.max(x.length,h.done?x.length:h.total??x.length):0,D=(0,S.useMemo)(()=>new Set([...v].filter(e=>x.some(t=>t.run.runId===e))),[v,x]),O=w(F)===`broken`,k=async()=>{let e=[...D];y(new Set);try{for(let t of e)await P(fn,{runId:t}),m?.drop(t);W(e.length===1?`The run was deleted.`:`${e.length} runs were deleted.`,{undo:()=>{Promise.all(e.map(e=>P(pn,{runId:e}))).then(()=>m?.refresh(),e=>W(M(e).message,{bad:!0}))}})}catch(e){W(M(e).message,{bad:!0}),m?.refresh()}},A=async()=>{try{for(let e of D)await P(pn,{runId:e}),m?.drop(e);W(D.size===1?`The run was restored.`:`${D.size} runs were restored.`)}catch(e){W(M(e).message,{bad:!0})}y(new Set)};if(i?.missing)return(0,H.jsxs)(`div`,{className:`empty`,children:[(0,H.jsxs)(`h2`,{children:[`There is no experiment `,n]}),(0,H.jsx)(`p`,{children:(0,H.jsx)(s,{to:`/`,children:`All experiments`})})]});let j=h?.done&&x.length===0&&!h.problem;return(0,H.jsxs)(`div`,{className:Z.page,children:[(0,H.jsxs)(`div`,{className:Z.head,children:[(0,H.jsx)(`h1`,{children:c}),(0,H.jsxs)(`span`,{className:`quiet`,"aria-live":`polite`,children:[h?.total!==void 0&&`${B(h.total)} ${h.total===1?`run`:`runs`}`,O&&` · as of when the connection was lost`]})]}),(0,H.jsxs)(`div`,{className:Z.tools,children:[(0,H.jsx)(qt,{value:e.q??``,problem:h?.problem,found:l,onChange:e=>t({q:e||void 0})}),(0,H.jsx)(`button`,{type:`button`,"aria-expanded":g,onClick:()=>_(!g),children:`Columns`}),(0,H.jsx)(`button`,{type:`button`,"aria-pressed":e.differ===`1`,title:`Show only columns in which the loaded runs differ`,onClick:()=>t({differ:e.differ===`1`?void 0:`1`}),children:`Only differing`}),(0,H.jsx)(`button`,{type:`button`,"aria-pressed":e.top===`1`,title:`Leave out runs that are children of others`,onClick:()=>t({top:e.top===`1`?void 0:`1`}),children:`Top level`}),(0,H.jsx)(`button`,{type:`button`,"aria-pressed":e.view===`deleted`,onClick:()=>t({view:e.view===`deleted`?void 0:`deleted`}),children:`Deleted`}),(0,H.jsx)(`button`,{type:`button`,disabled:!p||x.length===0,title:`All runs that match, with these columns`,onClick:()=>p&&Ft(p,C,c),children:`CSV`})]}),h?.problem&&h.problem.field!==`filter`&&(0,H.jsx)(`p`,{className:`problem ${Z.note}`,role:`alert`,children:h.problem.message}),D.size>0&&(0,H.jsxs)(`div`,{className:Z.actions,role:`toolbar`,"aria-label":`Selected runs`,children:[(0,H.jsxs)(`strong`,{children:[D.size,` selected`]}),D.size>1&&(0,H.jsx)(s,{to:`/compare`,search:{run:x.filter(e=>D.has(e.run.runId)).slice(0,500).map(e=>e.run.runId)},className:Z.compare,children:`Compare`}),D.size===1&&(0,H.jsx)(`button`,{type:`button`,onClick:()=>t({base:[...D][0]===e.base?void 0:[...D][0]}),children:[...D][0]===e.base?`No baseline`:`Make it the baseline`}),i?.mayEdit&&(e.view===`deleted`?(0,H.jsx)(`button`,{type:`button`,onClick:A,children:`Restore`}):(0,H.jsx)(`button`,{type:`button`,className:`danger`,onClick:k,children:`Delete`})),(0,H.jsx)(`button`,{type:`button`,className:`plain`,onClick:()=>y(new Set),children:`Clear`})]}),j&&(e.q||e.view||e.top?(0,H.jsx)(`div`,{className:`empty`,children:(0,H.jsx)(`h2`,{children:`No run matches`})}):(0,H.jsx)($e,{})),(0,H.jsxs)(`div`,{className:Z.body,children:[h&&te>0&&(0,H.jsx)(nn,{rows:x,total:te,columns:C,pinned:ee,sort:f,onSort:e=>t({sort:zt(Vt(f,e))}),selected:D,onSelect:y,changed:h.changed,need:b,base:T,label:`Runs of ${c}`}),g&&d&&(0,H.jsx)(bt,{columns:d,pinned:ee,experiments:r,found:l,onColumns:e=>t({col:e.length>0?e:[`status`]},!0),onPinned:e=>t({pin:e.length>0?e:void 0},!0),onReset:()=>t({col:void 0,pin:void 0},!0),onClose:()=>_(!1)})]})]})}var bn=e=>({q:I(e.q)}),xn=e=>({from:I(e.from),to:I(e.to)});function Sn(e){return{tab:I(e.tab),path:I(e.path),keys:I(e.keys),axis:I(e.axis),log:I(e.log),smooth:I(e.smooth),x:I(e.x)}}var Q={bar:`Layout_bar`,brand:`Layout_brand`,nav:`Layout_nav`,main:`Layout_main`,skip:`Layout_skip`,status:`Layout_status`,signIn:`Layout_signIn`},Cn={list:`Notices_list`,notice:`Notices_notice`};function wn(){let e=w(et);return(0,H.jsx)(`div`,{className:Cn.list,role:`status`,"aria-label":`Notices`,children:e.map(e=>(0,H.jsxs)(`div`,{className:Cn.notice,"data-bad":e.bad,children:[(0,H.jsx)(`span`,{children:e.text}),e.undo&&(0,H.jsx)(`button`,{type:`button`,onClick:()=>{rt(e.id),e.undo?.()},children:`Undo`}),(0,H.jsx)(`button`,{type:`button`,className:`plain`,"aria-label":`Dismiss`,onClick:()=>rt(e.id),children:`✕`})]},e.id))})}var Tn={dialog:`Shortcuts_dialog`,keys:`Shortcuts_keys`},En=[[`?`,`this list`],[`/`,`to the filter`],[`g e`,`experiments`],[`g r`,`runs`],[`g m`,`models`],[`← ↑ → ↓, j k`,`move in a table`],[`Home End, Ctrl+Home Ctrl+End`,`first and last column, first and last row`],[`Enter`,`open the run; on a heading, sort by it`],[`x`,`select the run`],[`Shift+↑ Shift+↓`,`select several runs`],[`Esc`,`close, or leave a field`]],Dn=e=>e instanceof HTMLElement&&(e.isContentEditable||/^(INPUT|SELECT|TEXTAREA)$/.test(e.tagName));function On(){let e=t();(0,S.useEffect)(()=>{let t=0,n=n=>{if(n.ctrlKey||n.metaKey||n.altKey||n.defaultPrevented)return;if(Dn(n.target)){n.key===`Escape`&&n.target.blur();return}if(n.key===`/`){let e=document.querySelector(`[data-filter]`);e&&(n.preventDefault(),e.focus());return}if(n.key===`?`){document.querySelector(`[data-shortcuts]`)?.click();return}let r=n.timeStamp-t<1200;t=n.key===`g`?n.timeStamp:-1/0,r&&(n.key===`e`&&e({to:`/`}),n.key===`r`&&e({to:`/runs`}),n.key===`m`&&e({to:`/models`}))};return addEventListener(`keydown`,n),()=>removeEventListener(`keydown`,n)},[e])}function kn(){let e=(0,S.useRef)(null);return(0,H.jsxs)(H.Fragment,{children:[(0,H.jsx)(`button`,{type:`button`,className:`plain`,"data-shortcuts":!0,"aria-label":`Keyboard shortcuts`,title:`Keyboard shortcuts (?)`,onClick:()=>e.current?.showModal(),children:(0,H.jsx)(`span`,{"aria-hidden":`true`,children:`?`})}),(0,H.jsxs)(`dialog`,{ref:e,className:Tn.dialog,"aria-labelledby":`shortcutsTitle`,children:[(0,H.jsx)(`h2`,{id:`shortcutsTitle`,children:`Keyboard shortcuts`}),(0,H.jsx)(`dl`,{className:Tn.keys,children:En.map(([e,t])=>(0,H.jsxs)(`div`,{children:[(0,H.jsx)(`dt`,{children:(0,H.jsx)(`kbd`,{children:e})}),(0,H.jsx)(`dd`,{children:t})]},e))}),(0,H.jsx)(`form`,{method:`dialog`,children:(0,H.jsx)(`button`,{type:`submit`,children:`Close`})})]})]})}var An=`cairn.theme`,jn={system:`light`,light:`dark`,dark:`system`},Mn={system:`◐`,light:`☀`,dark:`☾`};function Nn(){let e=document.documentElement.dataset.theme;return e===`light`||e===`dark`?e:`system`}function Pn(e){e===`system`?delete document.documentElement.dataset.theme:document.documentElement.dataset.theme=e;try{e===`system`?localStorage.removeItem(An):localStorage.setItem(An,e)}catch{}dispatchEvent(new Event(`cairn-theme`))}function Fn(){let[e,t]=(0,S.useState)(Nn);return(0,H.jsx)(`button`,{type:`button`,className:`plain`,"aria-label":`Colours: ${e}`,title:`Colours: ${e}. Click for ${jn[e]}`,onClick:()=>{Pn(jn[e]),t(jn[e])},children:(0,H.jsx)(`span`,{"aria-hidden":`true`,children:Mn[e]})})}function In(){return On(),(0,H.jsxs)(H.Fragment,{children:[(0,H.jsx)(`a`,{className:Q.skip,href:`#main`,children:`Skip to the content`}),(0,H.jsxs)(`header`,{className:Q.bar,children:[(0,H.jsxs)(s,{to:`/`,className:Q.brand,children:[(0,H.jsx)(`img`,{src:`assets/icon.svg`,alt:``,width:`24`,height:`24`}),`Cairn`]}),(0,H.jsxs)(`nav`,{"aria-label":`Pages`,className:Q.nav,children:[(0,H.jsx)(s,{to:`/`,activeOptions:{exact:!0,includeSearch:!1},children:`Experiments`}),(0,H.jsx)(s,{to:`/runs`,activeOptions:{exact:!0,includeSearch:!1},children:`Runs`}),(0,H.jsx)(s,{to:`/models`,activeOptions:{includeSearch:!1},children:`Models`}),(0,H.jsx)(`a`,{href:`explorer`,children:`GraphQL`})]}),(0,H.jsx)(`span`,{className:`spring`}),(0,H.jsx)(Rn,{}),(0,H.jsx)(kn,{}),(0,H.jsx)(Fn,{})]}),(0,H.jsx)(zn,{}),(0,H.jsx)(wn,{}),(0,H.jsx)(`main`,{id:`main`,className:Q.main,tabIndex:-1,children:(0,H.jsx)(o,{})})]})}var Ln={idle:``,connecting:`connecting…`,live:`live`,broken:`not live: reconnecting…`};function Rn(){let e=w(F);return(0,H.jsx)(`span`,{className:Q.status,"data-state":e,role:`status`,children:Ln[e]})}function zn(){let e=w(D),t=(0,S.useRef)(null);return(0,S.useEffect)(()=>{e&&t.current?.focus()},[e]),e?(0,H.jsxs)(`form`,{className:Q.signIn,"aria-label":`Sign in`,onSubmit:e=>{e.preventDefault(),D.set(``),E.set(t.current?.value.trim()??``)},children:[(0,H.jsxs)(`label`,{className:`row`,children:[(0,H.jsx)(`strong`,{children:`This server asks for a token`}),` `,(0,H.jsx)(`input`,{ref:t,type:`password`,autoComplete:`off`,"aria-describedby":`reason`})]}),(0,H.jsx)(`button`,{type:`submit`,className:`primary`,children:`Sign in`}),(0,H.jsx)(`p`,{id:`reason`,className:`quiet`,children:e})]}):null}function Bn(){let e=u({select:e=>e.location.pathname});return(0,H.jsxs)(`div`,{className:`empty`,children:[(0,H.jsx)(`h2`,{children:`There is no page here`}),(0,H.jsxs)(`p`,{children:[`Nothing is at `,(0,H.jsx)(`code`,{children:e}),`. `,(0,H.jsx)(s,{to:`/`,children:`Experiments`}),` has all there is.`]})]})}function Vn({error:e}){return(0,H.jsxs)(`div`,{className:`empty`,role:`alert`,children:[(0,H.jsx)(`h2`,{children:`This page failed`}),(0,H.jsx)(`p`,{children:M(e).message}),(0,H.jsx)(`p`,{children:(0,H.jsx)(`button`,{type:`button`,onClick:()=>location.reload(),children:`Load it again`})})]})}var Hn=(function(){let e=typeof document<`u`&&document.createElement(`link`).relList;return e&&e.supports&&e.supports(`modulepreload`)?`modulepreload`:`preload`})(),Un=function(e,t){return new URL(e,t).href},Wn={},Gn=function(e){return e.pathname.endsWith(`.css`)},Kn=function(e,t,n){if(t in e)return e[t];let r=n();if(!r){e[t]=void 0;return}let i=r.then(()=>{e[t]=void 0},n=>{throw e[t]=void 0,n});return e[t]=i,i},qn=function(e,t,n){let r=Promise.resolve();if(t&&t.length>0){let e,i=document.querySelector(`meta[property=csp-nonce]`),a=i?.nonce||i?.getAttribute(`nonce`);function o(e){return Promise.all(e.map(e=>Promise.resolve(e).then(e=>({status:`fulfilled`,value:e}),e=>({status:`rejected`,reason:e}))))}function s(e){return import.meta.resolve?new URL(import.meta.resolve(e)):new URL(e,import.meta.url)}r=o(t.map(t=>{t=Un(t,n);let r=s(t),i=Gn(r);return Kn(Wn,r.href,()=>{if(e===void 0){e={all:new Set,styles:new Set};let t=document.getElementsByTagName(`link`);for(let n=t.length-1;n>=0;n--){let r=t[n];e.all.add(r.href),r.rel===`stylesheet`&&e.styles.add(r.href)}}if((i?e.styles:e.all).has(r.href))return;let t=document.createElement(`link`);if(t.rel=i?`stylesheet`:Hn,i||(t.as=`script`),t.crossOrigin=``,t.href=r.href,a&&t.setAttribute(`nonce`,a),document.head.appendChild(t),i)return new Promise((e,n)=>{let i=a=>{t.removeEventListener(`load`,i),t.removeEventListener(`error`,i),a.type===`error`?n(Error(`Unable to preload CSS for ${r}`)):e(a)};t.addEventListener(`load`,i),t.addEventListener(`error`,i)})})}).filter(e=>e!==void 0))}function i(e){let t=new Event(`vite:preloadError`,{cancelable:!0});if(t.payload=e,window.dispatchEvent(t),!t.defaultPrevented)throw e}return r.then(t=>{for(let e of t||[])e.status===`rejected`&&i(e.reason);return e().catch(i)})},$=d({component:In,notFoundComponent:Bn}),Jn=c({getParentRoute:()=>$,path:`/`,component:Ze,validateSearch:e=>({q:I(e.q),sort:I(e.sort),view:I(e.view)})}),Yn=c({getParentRoute:()=>$,path:`/runs`,component:mn,validateSearch:Lt}),Xn=c({getParentRoute:()=>$,path:`/experiments/$experimentId`,component:hn,validateSearch:Lt}),Zn=c({getParentRoute:()=>$,path:`/runs/$runId`,component:m(()=>qn(()=>import(`./RunPage.js`),__vite__mapDeps([0,1,2,3,4,5,6,7]),import.meta.url),`RunPage`),validateSearch:Sn}),Qn=c({getParentRoute:()=>$,path:`/compare`,component:m(()=>qn(()=>import(`./ComparePage.js`),__vite__mapDeps([8,1,2,5,6,9]),import.meta.url),`ComparePage`),validateSearch:se}),$n=c({getParentRoute:()=>$,path:`/models`,component:m(()=>qn(()=>import(`./ModelsPage.js`),__vite__mapDeps([10,1,2,11]),import.meta.url),`ModelsPage`),validateSearch:bn}),er=c({getParentRoute:()=>$,path:`/models/$name`,component:m(()=>qn(()=>import(`./ModelPage.js`),__vite__mapDeps([12,1,2,10,11,3,4]),import.meta.url),`ModelPage`),validateSearch:xn}),tr=$.addChildren([Jn,Yn,Xn,Zn,Qn,$n,er]),nr=a({routeTree:tr,basepath:new URL(document.baseURI).pathname,parseSearch:ae,stringifySearch:oe,defaultPreload:!1,defaultErrorComponent:Vn}),rr=document.getElementById(`root`);rr&&(0,ee.createRoot)(rr).render((0,H.jsx)(S.StrictMode,{children:(0,H.jsx)(h,{value:A,children:(0,H.jsx)(v,{router:nr})})}));export{Oe as A,w as B,pe as C,De as D,ye as E,N as F,P as I,ne as L,me as M,ve as N,Ee as O,M as P,ie as R,Se as S,_e as T,ke as _,We as a,ce as b,B as c,z as d,Re as f,be as g,ue as h,Ge as i,ge as j,Ce as k,He as l,xe as m,St as n,Ve as o,Le as p,W as r,ze as s,Xt as t,V as u,we as v,he as w,le as x,Te as y,E as z};