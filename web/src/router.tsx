import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { validateCompareSearch } from "./compare/search.ts";
import { ExperimentsPage } from "./experiments/ExperimentsPage.tsx";
import { RunsOfAll, RunsOfExperiment } from "./runs/RunsPage.tsx";
import { validateModelSearch, validateModelsSearch } from "./models/search.ts";
import { validateRunSearch } from "./run/search.ts";
import { validateRunsSearch } from "./runs/view.ts";
import { one, parseSearch, stringifySearch } from "./search.ts";
import { Broken, Layout, Missing } from "./shell/Layout.tsx";

interface ExperimentsSearch {
  q?: string | undefined;
  sort?: string | undefined;
  view?: string | undefined;
}

const rootRoute = createRootRoute({ component: Layout, notFoundComponent: Missing });

const experimentsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/",
  component: ExperimentsPage,
  validateSearch: (search: Record<string, unknown>): ExperimentsSearch => ({ q: one(search.q), sort: one(search.sort), view: one(search.view) }),
});

const runsRoute = createRoute({ getParentRoute: () => rootRoute, path: "/runs", component: RunsOfAll, validateSearch: validateRunsSearch });

const experimentRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/experiments/$experimentId",
  component: RunsOfExperiment,
  validateSearch: validateRunsSearch,
});

const runRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/runs/$runId",
  component: lazyRouteComponent(() => import("./run/RunPage.tsx"), "RunPage"),
  validateSearch: validateRunSearch,
});

const compareRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/compare",
  component: lazyRouteComponent(() => import("./compare/ComparePage.tsx"), "ComparePage"),
  validateSearch: validateCompareSearch,
});

const modelsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/models",
  component: lazyRouteComponent(() => import("./models/ModelsPage.tsx"), "ModelsPage"),
  validateSearch: validateModelsSearch,
});

const modelRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/models/$name",
  component: lazyRouteComponent(() => import("./models/ModelPage.tsx"), "ModelPage"),
  validateSearch: validateModelSearch,
});

const routeTree = rootRoute.addChildren([experimentsRoute, runsRoute, experimentRoute, runRoute, compareRoute, modelsRoute, modelRoute]);

export const router = createRouter({
  routeTree,
  basepath: new URL(document.baseURI).pathname,
  parseSearch,
  stringifySearch,
  defaultPreload: false,
  defaultErrorComponent: Broken,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

