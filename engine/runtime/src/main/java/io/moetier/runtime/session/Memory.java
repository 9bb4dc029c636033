package io.moetier.runtime.session;

import static io.moetier.runtime.option.InvalidOptionException.require;

import java.util.List;
import java.util.OptionalLong;

/// How much memory is taken, and for what.
///
/// @param contextLength tokens a session can hold; 0 for the model's maximum, at most [#DEFAULT_CONTEXT]
/// @param ramBytes budget of the host tier's expert slots; empty for what fits beside the rest
/// @param vramBytes budgets of all that devices with memory of their own hold: one for each, or one number for all;
/// empty for what is free there less a reserve
/// @param reservedBytes memory that others will take, which the host tier leaves free where `ramBytes` is empty
public record Memory(int contextLength, OptionalLong ramBytes, List<Long> vramBytes, long reservedBytes) {
    /// Context of a session when nothing else is asked for and the model allows it.
    public static final int DEFAULT_CONTEXT = 4096;

    /// What fits.
    public static final Memory DEFAULT = new Memory(0, OptionalLong.empty(), List.of(), 0);

    /// @throws io.moetier.runtime.option.InvalidOptionException if a value is out of range
    public Memory {
        require(contextLength >= 0, "contextLength", "0 or more", contextLength);
        require(reservedBytes >= 0, "reservedBytes", "0 or more", reservedBytes);
        vramBytes = List.copyOf(vramBytes);
    }
}
