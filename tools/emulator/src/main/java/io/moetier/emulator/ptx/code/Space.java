package io.moetier.emulator.ptx.code;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// Where an address points.
public enum Space {
    GENERIC,
    GLOBAL,
    SHARED,
    LOCAL,
    CONST,
    PARAM;

    /// Generic addresses of shared memory start here, those of local memory at the next such border.
    public static final long SHARED_WINDOW = 1L << 56;

    public static final long LOCAL_WINDOW = 2L << 56;

    /// Returns the space that a directive or modifier names, without its dot, or null.
    public static @Nullable Space of(String name) {
        String plain = name.endsWith("::cta") || name.endsWith("::entry") ? name.substring(0, name.indexOf(':')) : name;
        for (Space space : values()) {
            if (space != GENERIC && space.name().toLowerCase(Locale.ROOT).equals(plain)) {
                return space;
            }
        }
        return null;
    }

    /// What to add to an address in this space to make it generic.
    public long window() {
        return switch (this) {
            case SHARED -> SHARED_WINDOW;
            case LOCAL -> LOCAL_WINDOW;
            case GENERIC, GLOBAL, CONST, PARAM -> 0;
        };
    }
}
