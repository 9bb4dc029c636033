package io.moetier.storage.expert;

import net.openhft.chronicle.core.io.BackgroundResourceReleaser;
import net.openhft.chronicle.core.shutdown.PriorityHook;

/// Registers what Chronicle does when the process ends, and starts its thread, before anything is written.
///
/// By itself it does both within the first map, which fails where the process is ending by then, or may start no more
/// threads; and whatever touches its classes afterwards fails as well, on threads that print a trace.
final class ChronicleHook {
    private static final int FIRST = 0;

    private ChronicleHook() {}

    static void register() {
        try {
            PriorityHook.add(FIRST, () -> {}); // which does nothing
        } catch (IllegalStateException e) {
            // The process is ending. Chronicle takes its hook for registered now, and goes on.
        }
        boolean _ = BackgroundResourceReleaser.isOnBackgroundResourceReleaserThread();
    }
}
