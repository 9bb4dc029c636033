package io.moetier.kernels.device;

import java.util.ArrayDeque;
import java.util.Deque;

/// What somebody owns, closed in the reverse of the order it was opened in, also when opening failed half-way.
public final class Owned implements AutoCloseable {
    private final Deque<Resource> resources = new ArrayDeque<>();

    /// Something to close that throws nothing checked.
    @FunctionalInterface
    public interface Resource extends AutoCloseable {
        @Override
        void close();
    }

    /// Remembers to close `resource`.
    public void add(Resource resource) {
        resources.push(resource);
    }

    /// Closes everything, even if closing one thing fails; the first failure is thrown in the end.
    @Override
    public void close() {
        if (!resources.isEmpty()) {
            Resource last = resources.pop();
            try (this) {
                last.close();
            }
        }
    }
}
