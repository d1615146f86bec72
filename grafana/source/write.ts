import { join } from 'node:path';
import { writeJson } from '../../common/json-file.js';
import { projectRoot } from '../../common/paths.js';
import { alertRules } from './alert-rules.js';
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

export const alertFile = join(projectRoot, 'grafana', 'provisioning', 'alerting', 'rules.json');

/** What Grafana is provisioned with; committed, and a test sees to it that it is up to date. */
export function writeDashboards(): void {
  writeJson(alertFile, alertRules);
  for (const [file, dashboard] of Object.entries(dashboards))
    writeJson(join(dashboardFolder, file), dashboard);
}
