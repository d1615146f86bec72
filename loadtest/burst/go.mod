module coupon-rush/loadtest/burst

go 1.21
