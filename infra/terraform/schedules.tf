# The passes over everything: one a minute heals what events missed, one an hour deletes what was kept long enough.
locals {
  schedules = {
    sweep     = { schedule = "* * * * *", type = "platform.agents.sweep.due.v1" }
    retention = { schedule = "30 * * * *", type = "platform.agents.retention.due.v1" }
  }
}

resource "google_cloud_scheduler_job" "this" {
  for_each    = local.schedules
  name        = "${var.prefix}${each.key}"
  region      = var.region
  description = each.value.type
  schedule    = each.value.schedule
  time_zone   = "Etc/UTC"

  pubsub_target {
    topic_name = google_pubsub_topic.this["sweep"].id
    data       = base64encode("{}")
    attributes = {
      ce-specversion = "1.0"
      ce-id          = each.key # always the same: no handler remembers the ids of events
      ce-source      = "${var.prefix}schedule"
      ce-type        = each.value.type
      content-type   = "application/json"
    }
  }
  depends_on = [google_project_service.used]
}
