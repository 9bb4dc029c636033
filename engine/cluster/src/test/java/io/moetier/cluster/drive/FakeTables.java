package io.moetier.cluster.drive;

import io.moetier.cluster.membership.Ownership;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// Tables of one member that is alone.
final class FakeTables implements Ownership {
    volatile boolean full;
    private final Map<String, byte[]> tables = new ConcurrentHashMap<>();

    @Override
    public void publish(String model, byte[] table) {
        if (full) {
            throw new IllegalArgumentException("it is full");
        }
        tables.put(model, table);
    }

    @Override
    public void forget(String model) {
        tables.remove(model);
    }

    @Override
    public Optional<byte[]> table(String model) {
        return Optional.ofNullable(tables.get(model));
    }

    @Override
    public Set<String> models() {
        return Set.copyOf(tables.keySet());
    }
}
