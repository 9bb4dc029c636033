package io.moetier.runtime.text.jinja;

import java.util.ArrayList;
import java.util.List;

/// Python's arithmetic. Integers have 64 bits here; a result beyond them is an error, never another number.
final class PythonOperators {
    private PythonOperators() {}

    static Object apply(String operator, Object a, Object b, JinjaBudget budget) {
        budget.steps(1);
        return switch (operator) {
            case "+" -> add(a, b, budget);
            case "*" -> multiply(a, b, budget);
            case "%" -> a instanceof String format ? PythonFormat.percent(format, b, budget) : arithmetic("%", a, b);
            case "~" -> {
                String left = PythonText.str(a, budget);
                String right = PythonText.str(b, budget);
                budget.characters((long) left.length() + right.length());
                yield left.concat(right);
            }
            default -> arithmetic(operator, a, b);
        };
    }

    static boolean compare(String operator, Object a, Object b, JinjaBudget budget) {
        return switch (operator) {
            case "==" -> PythonValues.equal(a, b, budget);
            case "!=" -> !PythonValues.equal(a, b, budget);
            case "<" -> isOrdered(a, b) && PythonValues.compare(a, b, budget) < 0;
            case "<=" -> isOrdered(a, b) && PythonValues.compare(a, b, budget) <= 0;
            case ">" -> isOrdered(a, b) && PythonValues.compare(a, b, budget) > 0;
            case ">=" -> isOrdered(a, b) && PythonValues.compare(a, b, budget) >= 0;
            case "in" -> PythonValues.contains(b, a, budget);
            default -> !PythonValues.contains(b, a, budget);
        };
    }

    /// Says whether one of two numbers can be more than the other, or equal: NaN is neither.
    private static boolean isOrdered(Object a, Object b) {
        boolean numbers = PythonValues.isNumber(a) && PythonValues.isNumber(b);
        return !numbers || !(Double.isNaN(PythonValues.real(a)) || Double.isNaN(PythonValues.real(b)));
    }

    static Object negate(Object a) {
        return a instanceof Double number ? (Object) (-number) : arithmetic("-", 0L, a);
    }

    private static Object add(Object a, Object b, JinjaBudget budget) {
        if (a instanceof String left && b instanceof String right) {
            budget.characters((long) left.length() + right.length());
            return left.concat(right);
        }
        if (a instanceof List<?> left && b instanceof List<?> right && PythonTuple.isSameKind(left, right)) {
            budget.steps((long) left.size() + right.size());
            List<Object> all = new ArrayList<>(left);
            all.addAll(right);
            return PythonTuple.as(left, all);
        }
        return arithmetic("+", a, b);
    }

    private static Object multiply(Object a, Object b, JinjaBudget budget) {
        if (PythonValues.isInteger(b) && (a instanceof String || a instanceof List<?>)) {
            return repeat(a, PythonValues.integer(b, ""), budget);
        }
        if (PythonValues.isInteger(a) && (b instanceof String || b instanceof List<?>)) {
            return repeat(b, PythonValues.integer(a, ""), budget);
        }
        return arithmetic("*", a, b);
    }

    private static Object repeat(Object piece, long count, JinjaBudget budget) {
        if (piece instanceof String text) {
            budget.characters(text.length(), count);
            return text.isEmpty() ? text : text.repeat((int) Math.max(0, count));
        }
        List<?> list = (List<?>) piece;
        budget.elements(list.size(), count);
        List<Object> all = new ArrayList<>();
        for (long i = 0; i < count && !list.isEmpty(); i++) {
            all.addAll(list);
        }
        return PythonTuple.as(list, all);
    }

    private static Object arithmetic(String operator, Object a, Object b) {
        if (!PythonValues.isNumber(a) || !PythonValues.isNumber(b)) {
            throw new JinjaException(
                    "cannot apply '" + operator + "' to " + PythonValues.type(a) + " and " + PythonValues.type(b));
        }
        try {
            boolean integers = PythonValues.isInteger(a) && PythonValues.isInteger(b) && !operator.equals("/");
            return integers
                    ? integers(operator, PythonValues.integer(a, ""), PythonValues.integer(b, ""))
                    : reals(operator, PythonValues.real(a), PythonValues.real(b));
        } catch (ArithmeticException e) {
            throw new JinjaException("a number is divided by zero, or is beyond 64 bits");
        }
    }

    private static Object integers(String operator, long a, long b) {
        return switch (operator) {
            case "+" -> Math.addExact(a, b);
            case "-" -> Math.subtractExact(a, b);
            case "*" -> Math.multiplyExact(a, b);
            case "//" -> Math.floorDivExact(a, b);
            case "%" -> Math.floorMod(a, b);
            default ->
                b < 0 ? (Object) Math.pow((double) a, (double) b) : (Object) Math.powExact(a, Math.toIntExact(b));
        };
    }

    private static Object reals(String operator, double a, double b) {
        if (b == 0 && (operator.startsWith("/") || operator.equals("%"))) {
            throw new ArithmeticException();
        }
        return switch (operator) {
            case "+" -> a + b;
            case "-" -> a - b;
            case "*" -> a * b;
            case "/" -> a / b;
            case "//" -> Math.rint((a - a % b) / b - (isOtherSide(a % b, b) ? 1 : 0));
            case "%" -> isOtherSide(a % b, b) ? a % b + b : a % b;
            default -> Math.pow(a, b);
        };
    }

    /// Says whether a remainder has the sign that the divisor has not, which Python's never has.
    private static boolean isOtherSide(double remainder, double divisor) {
        return remainder != 0 && remainder < 0 != divisor < 0;
    }
}
