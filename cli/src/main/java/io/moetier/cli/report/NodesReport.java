package io.moetier.cli.report;

import io.moetier.runtime.metrics.NodeWork;
import io.moetier.runtime.remote.NodesVerdict;
import io.moetier.storage.memory.ByteSize;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// What each node of a cluster did, and whether any were to.
///
/// @param nanos that it all took, of which links have a share
/// @param verdict on whether nodes compute, if there was one
public record NodesReport(List<NodeWork> nodes, long nanos, Optional<NodesVerdict> verdict) {
    /// Returns a table and the verdict, and a line feed behind each; nothing if there are no nodes.
    public String table() {
        if (nodes.isEmpty()) {
            return "";
        }
        Table table = Table.ofFigures()
                .row("node", "experts", "rows", "missing", "from disk", "sent", "received", "seconds", "on the way");
        for (NodeWork node : nodes) {
            table.row(
                    node.name(),
                    node.experts().asked(),
                    node.rows(),
                    node.experts().missing(),
                    node.experts().read(),
                    ByteSize.format(node.sentBytes()),
                    ByteSize.format(node.receivedBytes()),
                    String.format(Locale.ROOT, "%.3f", node.waitNanos() / 1e9),
                    RunReport.percent(share(node)));
        }
        return table + verdict.map(said -> said.sentence() + "\n").orElse("") + "\n";
    }

    /// Returns the same under the names that `--json` prints; nothing if there are no nodes.
    public Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        if (!nodes.isEmpty()) {
            fields.put("nodes", nodes.stream().map(this::fields).toList());
        }
        verdict.ifPresent(said -> {
            fields.put("nodes_compute", said.nodesCompute());
            fields.put("nodes_verdict", said.sentence());
        });
        return fields;
    }

    private Map<String, Object> fields(NodeWork node) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("name", node.name());
        fields.put("experts", node.experts().asked());
        fields.put("rows", node.rows());
        fields.put("missing", node.experts().missing());
        fields.put("read_from_disk", node.experts().read());
        fields.put("sent_bytes", node.sentBytes());
        fields.put("received_bytes", node.receivedBytes());
        fields.put("seconds", node.waitNanos() / 1e9);
        fields.put("node_seconds", node.nodeNanos() / 1e9);
        fields.put("link_share", share(node));
        return fields;
    }

    private double share(NodeWork node) {
        return nanos == 0 ? 0 : (double) node.linkNanos() / nanos;
    }
}
