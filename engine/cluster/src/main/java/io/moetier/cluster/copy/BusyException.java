package io.moetier.cluster.copy;

import java.io.IOException;

/// A source has others to send blocks to, and may be asked again in a moment.
final class BusyException extends IOException {
    private static final long serialVersionUID = 1L;

    BusyException(String message) {
        super(message);
    }
}
