# What people must look at: ../../docs/operations.md says for each what to do.

locals {
  runbook = "docs/operations.md of the repository"
  names   = trimsuffix(var.prefix, "-")
}

resource "google_monitoring_alert_policy" "dead_letters" {
  display_name          = "${local.names}: dead letters"
  combiner              = "OR"
  notification_channels = var.notification_channels
  user_labels           = local.labels
  severity              = "ERROR"
  conditions {
    display_name = "messages that could not be delivered"
    condition_threshold {
      filter          = "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id = monitoring.regex.full_match(\"${var.prefix}.*-dead\") AND metric.type = \"pubsub.googleapis.com/subscription/num_undelivered_messages\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "300s"
      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }
  documentation {
    content = "Messages were refused until the last attempt. ${local.runbook}: Dead letters."
  }
  depends_on = [google_project_service.used]
}

resource "google_monitoring_alert_policy" "queue_stands" {
  display_name          = "${local.names}: a queue stands"
  combiner              = "OR"
  notification_channels = var.notification_channels
  user_labels           = local.labels
  severity              = "WARNING"
  conditions {
    display_name = "oldest message"
    condition_threshold {
      filter          = "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id = monitoring.regex.full_match(\"(${join("|", [for each in google_pubsub_subscription.push : each.name])})\") AND metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\""
      comparison      = "COMPARISON_GT"
      threshold_value = 600
      duration        = "300s"
      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }
  documentation {
    content = "A function has not taken a message for ten minutes. ${local.runbook}: A function is down, or the cluster."
  }
  depends_on = [google_project_service.used]
}

# Each sweep logs a run that it cannot drive (functions/reconciler/reconciler.py), with the run as a field.
resource "google_logging_metric" "undriven" {
  name        = "${var.prefix}runs-not-driven"
  description = "Passes of the sweep that could not drive a run, by run."
  filter      = "resource.type = \"cloud_run_revision\" AND resource.labels.service_name = \"${local.functions.sweep.service}\" AND severity >= WARNING AND jsonPayload.run != \"\""
  label_extractors = {
    run = "EXTRACT(jsonPayload.run)"
  }
  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    labels {
      key        = "run"
      value_type = "STRING"
    }
  }
  depends_on = [google_project_service.used]
}

resource "google_monitoring_alert_policy" "stuck_runs" {
  count                 = var.log_alerts ? 1 : 0
  display_name          = "${local.names}: a run is stuck"
  combiner              = "OR"
  notification_channels = var.notification_channels
  user_labels           = local.labels
  severity              = "WARNING"
  conditions {
    display_name = "ten sweeps in a quarter of an hour could not drive it"
    condition_threshold {
      filter          = "resource.type = \"cloud_run_revision\" AND metric.type = \"logging.googleapis.com/user/${google_logging_metric.undriven.name}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 10
      duration        = "0s"
      aggregations {
        alignment_period     = "900s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["metric.label.run"]
      }
    }
  }
  documentation {
    content = "The log of ${local.functions.sweep.service} names the run and the cause. ${local.runbook}: A stuck run."
  }
  depends_on = [google_project_service.used]
}

# Without sweeps nothing heals, and nothing above would be noticed.
resource "google_monitoring_alert_policy" "no_sweep" {
  display_name          = "${local.names}: no sweep"
  combiner              = "OR"
  notification_channels = var.notification_channels
  user_labels           = local.labels
  severity              = "CRITICAL"
  conditions {
    display_name = "no sweep ended well for ten minutes"
    condition_absent {
      filter   = "resource.type = \"cloud_run_revision\" AND resource.labels.service_name = \"${local.functions.sweep.service}\" AND metric.type = \"run.googleapis.com/request_count\" AND metric.labels.response_code_class = \"2xx\""
      duration = "600s"
      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }
  documentation {
    content = "The schedule is paused, the function is down, or the cluster cannot be reached. ${local.runbook}: A function is down, or the cluster."
  }
  depends_on = [google_project_service.used]
}

resource "google_monitoring_dashboard" "orchestrator" {
  dashboard_json = file("${path.module}/dashboard.json")
  depends_on     = [google_project_service.used]
}
