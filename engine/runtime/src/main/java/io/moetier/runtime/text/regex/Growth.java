package io.moetier.runtime.text.regex;

import java.util.ArrayList;
import java.util.List;

/// How steps grow with the length of a run of characters, as a polynomial.
///
/// @param factors of the powers of the length, from the number of steps that no text raises
/// @param set the characters that such a run is made of
public record Growth(List<Double> factors, CharacterSet set) {
    static final Growth NONE = of(0);

    public Growth {
        factors = List.copyOf(factors);
    }

    /// Returns a growth that is none: a number of steps for each text.
    static Growth of(double steps) {
        return new Growth(List.of(steps), CharacterSet.NONE);
    }

    /// Returns the number of steps that no text raises.
    public double constant() {
        return factors.getFirst();
    }

    /// Returns the highest power of the length.
    public int degree() {
        return factors.size() - 1;
    }

    /// Says whether there is nothing to do at all.
    boolean isNone() {
        return factors.stream().allMatch(factor -> factor == 0);
    }

    Growth plus(Growth other) {
        List<Double> sum = new ArrayList<>();
        for (int power = 0; power <= Math.max(degree(), other.degree()); power++) {
            sum.add(factor(power) + other.factor(power));
        }
        return new Growth(sum, set.or(other.set));
    }

    Growth times(double ways) {
        return new Growth(factors.stream().map(factor -> factor * ways).toList(), set);
    }

    /// Returns the growth if all this happens for each character of a run.
    Growth perCharacterOf(CharacterSet characters) {
        List<Double> raised = new ArrayList<>(List.of(0.0));
        raised.addAll(factors);
        return new Growth(raised, set.or(characters));
    }

    /// Returns a bound for what one attempt takes that meets a run of `length` characters.
    public double steps(int length) {
        double sum = 0;
        for (int power = degree(); power >= 0; power--) {
            sum = sum * (length + 1.0) + factor(power);
        }
        return sum;
    }

    private double factor(int power) {
        return power < factors.size() ? factors.get(power) : 0;
    }
}
