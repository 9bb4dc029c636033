package io.moetier;

import java.util.function.IntPredicate;

/// A policy that throws where it is told to.
final class Broken implements EvictionPolicy {
    private final EvictionPolicy sound;
    private final String where;
    private final Throwable thrown;

    Broken(EvictionPolicy sound, String where, Throwable thrown) {
        this.sound = sound;
        this.where = where;
        this.thrown = thrown;
    }

    private void at(String place) {
        if (place.equals(where)) {
            if (thrown instanceof Error error) {
                throw error;
            }
            throw (RuntimeException) thrown;
        }
    }

    @Override
    public void onChoice(int[] experts, float[] weights, int count) {
        at("choice");
        sound.onChoice(experts, weights, count);
    }

    @Override
    public void onAccess(int expert, boolean resident) {
        at("access");
        sound.onAccess(expert, resident);
    }

    @Override
    public void onEntry(int expert) {
        at("entry");
        sound.onEntry(expert);
    }

    @Override
    public void onExit(int expert) {
        at("exit");
        sound.onExit(expert);
    }

    @Override
    public int victim(int newcomer, IntPredicate mayLeave) {
        at("victim");
        return "wrong".equals(where) ? newcomer : sound.victim(newcomer, mayLeave);
    }
}
