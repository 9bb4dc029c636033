package io.moetier.runtime.metrics;

import io.moetier.storage.model.Phase;
import io.moetier.storage.model.Tier;
import jdk.jfr.EventType;
import jdk.jfr.FlightRecorder;
import org.jspecify.annotations.Nullable;

/// The only way to the JDK Flight Recorder: commits an event, or does nothing while nobody records.
///
/// Cost: off, a call is one or two field reads and allocates nothing. The test must not even load an event class:
/// the first subclass of `Event` that is loaded costs a start of the engine about 100 ms. That is why the test is
/// here and not in the events, and why [#finish] is overloaded instead of taking an `Event`.
public final class FlightEvents {
    private FlightEvents() {}

    /// Records that an expert arrived from `tier`, and how long its computation had to wait for it.
    public static void expertLoad(int layer, int expert, Tier tier, long bytes, long loadNanos, long waitNanos) {
        if (FlightRecorder.isInitialized() && Types.EXPERT_LOAD.isEnabled()) {
            new ExpertLoadEvent(layer, expert, tier, bytes, loadNanos, waitNanos).commit();
        }
    }

    /// Records that an expert left its slot for another one.
    public static void expertEviction(int layer, int expert) {
        if (FlightRecorder.isInitialized() && Types.EXPERT_EVICTION.isEnabled()) {
            new ExpertEvictionEvent(layer, expert).commit();
        }
    }

    /// Starts the clock of a layer's event; null while nobody records.
    public static @Nullable LayerStepEvent startLayerStep(int layer, Phase phase, int tokens) {
        if (!FlightRecorder.isInitialized() || !Types.LAYER_STEP.isEnabled()) {
            return null;
        }
        LayerStepEvent event = new LayerStepEvent(layer, phase, tokens);
        event.begin();
        return event;
    }

    /// Starts the clock of a prefill's event; null while nobody records.
    public static @Nullable PrefillEvent startPrefill(int tokens) {
        if (!FlightRecorder.isInitialized() || !Types.PREFILL.isEnabled()) {
            return null;
        }
        PrefillEvent event = new PrefillEvent(tokens);
        event.begin();
        return event;
    }

    /// Starts the clock of a decode step's event; null while nobody records.
    public static @Nullable DecodeEvent startDecode(int position) {
        if (!FlightRecorder.isInitialized() || !Types.DECODE.isEnabled()) {
            return null;
        }
        DecodeEvent event = new DecodeEvent(position);
        event.begin();
        return event;
    }

    public static void finish(@Nullable LayerStepEvent event) {
        if (event != null) {
            event.commit();
        }
    }

    public static void finish(@Nullable PrefillEvent event) {
        if (event != null) {
            event.commit();
        }
    }

    public static void finish(@Nullable DecodeEvent event) {
        if (event != null) {
            event.commit();
        }
    }

    /// Loaded only once the recorder is there.
    private static final class Types {
        static final EventType EXPERT_LOAD = EventType.getEventType(ExpertLoadEvent.class);
        static final EventType EXPERT_EVICTION = EventType.getEventType(ExpertEvictionEvent.class);
        static final EventType LAYER_STEP = EventType.getEventType(LayerStepEvent.class);
        static final EventType PREFILL = EventType.getEventType(PrefillEvent.class);
        static final EventType DECODE = EventType.getEventType(DecodeEvent.class);
    }
}
