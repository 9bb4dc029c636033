package io.moetier.cli.report;

import io.moetier.runtime.metrics.NodeWork;
import io.moetier.storage.memory.ByteSize;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// What each node of a cluster did.
///
/// @param nanos that it all took, of which links have a share
public record NodesReport(List<NodeWork> nodes, long nanos) {
    /// Returns a table, and a line feed behind it; nothing if there are no nodes.
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
        return table + "\n";
    }

    /// Returns the same under the names that `--json` prints; nothing if there are no nodes.
    public Map<String, Object> fields() {
        return nodes.isEmpty()
                ? Map.of()
                : Map.of("nodes", nodes.stream().map(this::fields).toList());
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
