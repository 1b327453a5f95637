/* Arithmetic. Integers that no longer fit 64 bits become floats. */
#include "core/liquid/decimal.h"
#include "core/liquid/filter_support.h"

static bool give_number(struct liquid_value *result, const struct decimal *d)
{
    *result = decimal_value(d);
    return true;
}

/* The common case needs no decimals. */
static bool are_integers(const struct liquid_call *call)
{
    return call->input.kind == LIQUID_INT && call->args[0].kind == LIQUID_INT;
}

bool filter_plus(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    struct decimal a, b, sum;
    int64_t integer;

    (void)err;
    if (are_integers(call) && !__builtin_add_overflow(call->input.integer, call->args[0].integer, &integer)) {
        return give(result, value_int(integer));
    }
    a = decimal_from(&call->input);
    b = decimal_from(&call->args[0]);
    sum = decimal_add(&a, &b);
    return give_number(result, &sum);
}

bool filter_minus(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    struct decimal a, b, difference;
    int64_t integer;

    (void)err;
    if (are_integers(call) && !__builtin_sub_overflow(call->input.integer, call->args[0].integer, &integer)) {
        return give(result, value_int(integer));
    }
    a = decimal_from(&call->input);
    b = decimal_from(&call->args[0]);
    difference = decimal_subtract(&a, &b);
    return give_number(result, &difference);
}

bool filter_times(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    struct decimal a, b, product;
    int64_t integer;

    (void)err;
    if (are_integers(call) && !__builtin_mul_overflow(call->input.integer, call->args[0].integer, &integer)) {
        return give(result, value_int(integer));
    }
    a = decimal_from(&call->input);
    b = decimal_from(&call->args[0]);
    product = decimal_multiply(&a, &b);
    return give_number(result, &product);
}

bool filter_divided_by(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    struct decimal a = decimal_from(&call->input);
    struct decimal b = decimal_from(&call->args[0]);
    struct decimal quotient;

    if (!decimal_divide(&a, &b, &quotient)) {
        return err_set(err, "division by zero");
    }
    return give_number(result, &quotient);
}

bool filter_modulo(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    struct decimal a = decimal_from(&call->input);
    struct decimal b = decimal_from(&call->args[0]);
    struct decimal rest;

    if (!decimal_modulo(&a, &b, &rest)) {
        return err_set(err, "division by zero");
    }
    return give_number(result, &rest);
}

bool filter_abs(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    struct decimal a = decimal_from(&call->input);
    struct decimal positive = decimal_abs(&a);

    (void)err;
    return give_number(result, &positive);
}

bool filter_ceil(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    struct decimal a = decimal_from(&call->input);

    (void)err;
    return give(result, decimal_integer(&a, 1));
}

bool filter_floor(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    struct decimal a = decimal_from(&call->input);

    (void)err;
    return give(result, decimal_integer(&a, -1));
}

bool filter_round(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    struct decimal a = decimal_from(&call->input);
    struct decimal n = {.is_exact = true};
    struct liquid_value places;

    (void)err;
    if (call->arg_count) {
        n = decimal_from(&call->args[0]);
    }
    places = decimal_integer(&n, (n.is_exact ? n.units < 0 : n.approx < 0) ? 1 : -1); /* towards zero */
    return give(result, decimal_round(&a, places.kind == LIQUID_INT ? places.integer : 0));
}

bool filter_at_least(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    struct decimal a = decimal_from(&call->input);
    struct decimal b = decimal_from(&call->args[0]);

    (void)err;
    return give_number(result, decimal_compare(&b, &a) > 0 ? &b : &a);
}

bool filter_at_most(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    struct decimal a = decimal_from(&call->input);
    struct decimal b = decimal_from(&call->args[0]);

    (void)err;
    return give_number(result, decimal_compare(&b, &a) < 0 ? &b : &a);
}

bool filter_sum(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    struct liquid_value list = input_list(call);
    bool by_key = call->arg_count && !value_is_nil(&call->args[0]);
    struct decimal sum = {.is_exact = true};

    for (size_t i = 0; i < value_count(&list) && run_work(call->run, 2); i++) {
        struct liquid_value item = value_at(&list, i);
        struct liquid_value value = item;
        struct decimal number;
        bool has_none;

        if (by_key && !item_property(call, &item, &call->args[0], &value, &has_none, err)) {
            return false;
        }
        number = decimal_from(&value);
        sum = decimal_add(&sum, &number);
    }
    return give_number(result, &sum);
}
