import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../stack/paths.js';
import { compareDashboard } from './compare-dashboard.js';
import type { DashboardJson } from './dashboard-json.js';
import { insideDashboard } from './inside-dashboard.js';
import { runDashboard } from './run-dashboard.js';

export const dashboardFolder = join(projectRoot, 'grafana', 'dashboards');

export const dashboards: Readonly<Record<string, DashboardJson>> = {
  'run.json': runDashboard,
  'compare-replicas.json': compareDashboard,
  'inside.json': insideDashboard,
};

export const toJson = (dashboard: DashboardJson): string => `${JSON.stringify(dashboard, null, 2)}\n`;

/** What Grafana is provisioned with; committed, and a test sees to it that it is up to date. */
export function writeDashboards(folder = dashboardFolder): void {
  mkdirSync(folder, { recursive: true });
  for (const [file, dashboard] of Object.entries(dashboards))
    writeFileSync(join(folder, file), toJson(dashboard));
}
