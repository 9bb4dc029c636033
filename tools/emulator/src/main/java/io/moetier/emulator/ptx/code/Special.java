package io.moetier.emulator.ptx.code;

import org.jspecify.annotations.Nullable;

/// The special registers that do not change while a block runs.
public enum Special {
    TID_X,
    TID_Y,
    TID_Z,
    NTID_X,
    NTID_Y,
    NTID_Z,
    CTAID_X,
    CTAID_Y,
    CTAID_Z,
    NCTAID_X,
    NCTAID_Y,
    NCTAID_Z,
    LANEID,
    WARPID,
    NWARPID,
    SMID,
    NSMID,
    LANEMASK_EQ,
    LANEMASK_LT,
    LANEMASK_LE,
    LANEMASK_GT,
    LANEMASK_GE,
    DYNAMIC_SMEM_SIZE,
    TOTAL_SMEM_SIZE;

    public static @Nullable Special of(String register) {
        for (Special special : values()) {
            String name = special.name().toLowerCase(java.util.Locale.ROOT);
            boolean axis = name.endsWith("_x") || name.endsWith("_y") || name.endsWith("_z");
            String spelled = axis ? name.substring(0, name.length() - 2) + "." + name.charAt(name.length() - 1) : name;
            if (register.equals("%" + spelled)) {
                return special;
            }
        }
        return null;
    }
}
